"""A copy of Aladin Lite on this computer, for where there is no network: found, or fetched once by `npm`.

Aladin Lite is free software of its own (LGPL-3.0-or-later) and no part of fovnb; its licence is kept beside the copy.
"""

import os
import re
import shutil
import subprocess
import tarfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from fovnb.errors import DataError
from fovnb.files import make_path, replace_whole

__all__ = ["aladin_file", "aladin_folder", "fetch_aladin", "ipyaladin_js"]

_FILES = {"package/dist/aladin.js": "aladin.js", "package/LICENSE": "LICENSE", "package/COPYING": "COPYING"}
_PATIENCE_S = 120


@cache
def ipyaladin_js() -> str:
    """Return the text of ipyaladin's own JavaScript, which names the Aladin Lite that it goes with.

    Examples
    --------
    >>> "aladin-lite@" in ipyaladin_js()
    True
    """
    spec = find_spec("ipyaladin")
    if spec is None or spec.origin is None:
        msg = "ipyaladin is not installed; install fovnb with what it needs"
        raise DataError(msg)
    return (Path(spec.origin).parent / "static" / "widget.js").read_text(encoding="utf-8")


def aladin_folder() -> Path:
    """Return the folder of the per-user cache that is for the copy, whether it is there or not.

    Examples
    --------
    >>> aladin_folder().name
    'aladin-lite-...'
    """
    from platformdirs import user_cache_path

    return Path(user_cache_path("fovnb")) / _package().replace("@", "-")


def aladin_file() -> Path | None:
    """Return the copy's JavaScript: what ``$FOVNB_ALADIN`` names, or what `fetch_aladin` kept; None if there is none.

    Raises
    ------
    DataError
        If ``$FOVNB_ALADIN`` names no file.

    Examples
    --------
    >>> file = aladin_file()
    >>> file is None or file.is_file()
    True
    """
    named = os.environ.get("FOVNB_ALADIN")
    if not named:
        kept = aladin_folder() / "aladin.js"
        return kept if kept.is_file() else None
    path = make_path(named)
    if not path.is_file():
        msg = f"$FOVNB_ALADIN is {named!r}, where there is no file; let it name the file aladin.js, or unset it"
        raise DataError(msg)
    return path


def fetch_aladin() -> Path:
    """Fetch the copy with `npm` unless it is there already, and return its JavaScript.

    Raises
    ------
    DataError
        If `npm` is not installed or does not reach its registry, or the folder cannot be written.

    Examples
    --------
    >>> file = fetch_aladin()  # doctest: +SKIP
    """
    kept = aladin_folder() / "aladin.js"
    if kept.is_file():
        return kept
    npm = shutil.which("npm")
    if npm is None:
        msg = f"npm is not installed; install Node.js, or let $FOVNB_ALADIN name the file aladin.js of {_package()}"
        raise DataError(msg)
    with TemporaryDirectory() as folder:
        _pack(npm, Path(folder))
        _unpack(next(Path(folder).glob("*.tgz")), kept.parent)
    return kept


def _package() -> str:
    """Return the name and version of the package that ipyaladin goes with."""
    found = re.search(r"aladin-lite@[\w.+-]+", ipyaladin_js())
    if found is None:
        msg = "this version of ipyaladin does not say which Aladin Lite it goes with; let $FOVNB_ALADIN name its file"
        raise DataError(msg)
    return found[0]


def _pack(npm: str, folder: Path) -> None:
    """Fetch the package as a file."""
    try:
        done = subprocess.run(
            [npm, "pack", _package()], cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"npm could not fetch {_package()}: {error}; try again with a network"
        raise DataError(msg) from error
    if done.returncode or not list(folder.glob("*.tgz")):
        said = (done.stderr.strip() or "it said nothing").splitlines()[0]
        msg = f"npm could not fetch {_package()}: {said}; try again with a network"
        raise DataError(msg)


def _unpack(package: Path, folder: Path) -> None:
    """Write the JavaScript and its licences; the JavaScript last, since its being there means that all are."""
    with tarfile.open(package) as tar:
        for name, target in reversed(_FILES.items()):
            member = tar.extractfile(name)
            if member is None:
                msg = f"{package.name} holds no file {name}; fetch another version of the package"
                raise DataError(msg)
            with replace_whole(folder / target, overwrite=True) as temporary:
                temporary.write_bytes(member.read())
