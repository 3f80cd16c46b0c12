"""The folder of a run's outputs: they appear all together, each whole; what an interrupted run left is used or removed.

Until a run has finished, a hidden folder in it holds the recipe, the cubes of the runs that are done, and the outputs
that are being written.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fovnb.commands.lock import LOCK, locked
from fovnb.errors import DataError
from fovnb.files import replace_whole
from fovnb.recipe import Recipe
from fovnb.report.targets import check_targets

__all__ = ["HIDDEN", "OUTPUTS", "RunFolder"]

HIDDEN = ".fovnb-run"
OUTPUTS = ("stacked.fits", "ledger.ecsv", "report.html", "analysis.py", "analysis_gammapy.py", "recipe.yaml")
_RECIPE = "recipe.yaml"


class RunFolder:
    """A folder that a recipe's outputs go to.

    Parameters
    ----------
    folder : Path
        The folder; it is made when there is something to write.
    recipe : Recipe
        What is run.
    source : Path
        The recipe's own file, which is no output, wherever it lies.
    """

    def __init__(self, folder: Path, recipe: Recipe, source: Path) -> None:
        self.folder = folder
        self.outputs = [name for name in OUTPUTS if (folder / name).resolve() != source.resolve()]
        self._text = recipe.to_yaml()
        self._hidden = folder / HIDDEN
        self.cubes = self._hidden / "cubes"
        self.staged = self._hidden / "outputs"

    def check(self, overwrite: bool, resume: bool) -> None:
        """Refuse what must not be replaced or resumed; nothing is written.

        Raises
        ------
        DataError
            If outputs exist, the unfinished run is that of another recipe, or the folder cannot be written.
        """
        unfinished = _text(self._hidden / _RECIPE)
        if resume and unfinished not in (None, self._text):
            msg = f"{self.folder} holds an unfinished run of another recipe; leave out --resume to discard it"
            raise DataError(msg)
        ours = resume and self._text in (unfinished, _text(self.folder / _RECIPE))
        check_targets((self.folder / name for name in self.outputs), overwrite or ours)

    @contextmanager
    def opened(self, resume: bool) -> Iterator[bool]:
        """Prepare the hidden folder, and say whether an unfinished run was discarded for that.

        It stays when the work fails, if there is any cube to go on with.

        Raises
        ------
        DataError
            If the folder cannot be written, or another process is at work in it.
        """
        is_new = not self.folder.exists()
        with locked(self._hidden):
            unfinished = _text(self._hidden / _RECIPE) is not None
            self._clean(unfinished and resume)
            try:
                with replace_whole(self._hidden / _RECIPE, overwrite=True) as temporary:
                    temporary.write_text(self._text, encoding="utf-8")
                yield unfinished and not resume
            finally:
                if not any(self.cubes.glob("*")):
                    _remove(self._hidden)
                if is_new:
                    with suppress(OSError):  # it is not empty
                        self.folder.rmdir()

    def publish(self) -> tuple[list[Path], list[Path]]:
        """Give the outputs their final names, remove what an older run left, and return the paths of both.

        Raises
        ------
        DataError
            If the folder cannot be written any more.
        """
        paths = {name: self.folder / name for name in self.outputs}
        written = {name: path for name, path in paths.items() if (self.staged / name).exists()}
        stale = [path for name, path in paths.items() if name not in written and path.exists()]
        try:
            for name, path in written.items():
                (self.staged / name).replace(path)
            for path in stale:
                path.unlink()
        except OSError as error:
            msg = f"cannot write into {self.folder}: {error.strerror}; correct this and go on with --resume"
            raise DataError(msg) from error
        _remove(self._hidden)
        return list(written.values()), stale

    def _clean(self, keep: bool) -> None:
        """Remove what a killed run was writing, and if nothing is to be kept all that it left."""
        parts = {self.staged, *self._hidden.glob(".*"), *self.cubes.glob(".*")}
        _remove(*(parts if keep else set(self._hidden.iterdir()) - {self._hidden / LOCK}))


def _text(path: Path) -> str | None:
    """Return the text of a file, None if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _remove(*paths: Path) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
