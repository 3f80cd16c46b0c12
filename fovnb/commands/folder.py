"""The folder of a run's outputs: they appear all together, each whole; what an interrupted run left is used or removed.

Until a run has finished, a hidden folder in it holds the recipe, the cubes of the runs that are done, and the outputs
that are being written.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
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
    source : Path, optional
        The recipe's own file, which is no output, wherever it lies.
    """

    def __init__(self, folder: Path, recipe: Recipe, source: Path | None = None) -> None:
        self.folder = folder
        own = None if source is None else source.resolve()
        self.outputs = [name for name in OUTPUTS if (folder / name).resolve() != own]
        self._text = recipe.to_yaml()
        self._hidden = folder / HIDDEN
        self.cubes = self._hidden / "cubes"
        self.staged = self._hidden / "outputs"

    def check(self, overwrite: bool, resume: bool) -> bool:
        """Refuse what must not be replaced or resumed; nothing is written.

        Returns
        -------
        bool
            Whether outputs that exist may be replaced.

        Raises
        ------
        DataError
            If outputs exist, the unfinished run is that of another recipe, or the folder cannot be written; if a link
            stands where a hidden folder should.
        """
        self._refuse_links()
        unfinished = _text(self._hidden / _RECIPE)
        if resume and unfinished not in (None, self._text):
            msg = f"{self.folder} holds an unfinished run of another recipe; leave out --resume to discard it"
            raise DataError(msg)
        replace = overwrite or (resume and self._text in (unfinished, _text(self.folder / _RECIPE)))
        self._check_outputs(replace)
        return replace

    @contextmanager
    def opened(self, overwrite: bool, resume: bool) -> Iterator[tuple[bool, str]]:
        """Check, prepare the hidden folder, and say whether outputs may be replaced, and what was discarded.

        It stays when the work fails, if there is any cube to go on with.

        Raises
        ------
        DataError
            See `check`; if another process is at work in the folder.
        """
        self.check(overwrite, resume)
        is_new = not self.folder.exists()
        with locked(self._hidden):
            self._refuse_links()
            try:
                replace = self.check(overwrite, resume)  # as it is now, that nobody else works here
                discarded = "" if resume else self._unfinished()
                self._clean(resume)
                with replace_whole(self._hidden / _RECIPE, overwrite=True) as temporary:
                    temporary.write_text(self._text, encoding="utf-8")
                yield replace, discarded
            finally:
                self._close()
                if is_new:
                    _remove_empty(self.folder)

    def publish(self, replace: bool) -> tuple[list[Path], list[Path]]:
        """Give the outputs their final names, remove what an older run left, and return the paths of both.

        Raises
        ------
        DataError
            If the folder cannot be written any more, or holds outputs that must not be replaced.
        """
        self._check_outputs(replace)
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
        self._clean(keep=False)
        return list(written.values()), stale

    def _refuse_links(self) -> None:
        for path in (self._hidden, self.cubes, self.staged):
            if path.is_symlink():
                msg = f"{path} is a link, which a run does not follow; remove it or choose another folder"
                raise DataError(msg)

    def _check_outputs(self, replace: bool) -> None:
        check_targets((self.folder / name for name in self.outputs), replace)

    def _unfinished(self) -> str:
        """Return which run was left unfinished here, in words."""
        text = _text(self._hidden / _RECIPE)
        if text is None:
            return ""
        return f"an unfinished run{', which --resume goes on with' if text == self._text else ' of another recipe'}"

    def _clean(self, keep: bool) -> None:
        """Remove what a run was writing, and if its cubes are not to be kept all that it left; nothing else."""
        parts = [self._hidden.glob(f".{_RECIPE}.*"), self.cubes.glob(".*.cube" if keep else "*.cube")]
        parts += [self.staged.glob(pattern) for name in OUTPUTS for pattern in (name, f".{name}.*")]
        for path in chain(*parts, [] if keep else [self._hidden / _RECIPE]):
            with suppress(OSError):
                path.unlink()

    def _close(self) -> None:
        """Remove the hidden folder if there is no cube in it to go on with; its lock goes last."""
        if any(self.cubes.glob("*.cube")):
            return
        self._clean(keep=False)
        _remove_empty(self.staged, self.cubes)
        with suppress(OSError):
            (self._hidden / LOCK).unlink()
        _remove_empty(self._hidden)


def _text(path: Path) -> str | None:
    """Return the text of a file, None if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _remove_empty(*folders: Path) -> None:
    for folder in folders:
        with suppress(OSError):  # it is not empty
            folder.rmdir()
