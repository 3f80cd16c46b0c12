"""Cubes on disk, so that a run that was killed can go on: what is damaged or of others is made anew, never believed."""

import os
import warnings
from hashlib import sha256
from pathlib import Path

from fovnb.datasets import MapDataset
from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.files import make_path, replace_whole
from fovnb.maps.sky import SkyGrid
from fovnb.pipeline.packing import packed, unpacked

__all__ = ["CubeStore"]

_DIGEST_SIZE = sha256().digest_size
_KEPT_GRIDS = 4


class CubeStore:
    """Datasets in the files of a folder, by keys that can be names of files.

    A file holds a checksum, then the dataset with its key. Cubes are large, 21 MB for the reference analysis.

    Parameters
    ----------
    folder : path
        Where the files are; it is made when the first is written.

    Examples
    --------
    >>> CubeStore("cubes").load("0a1b") is None
    True
    """

    suffix = ".cube"

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = make_path(folder)
        self._grids: dict[str, SkyGrid] = {}
        self._keeps = True

    def load(self, key: str) -> MapDataset | None:
        """Return the dataset that was saved with this key, None if there is none, or it cannot be trusted."""
        try:
            content = memoryview(self._path(key).read_bytes())
            digest, body = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
            return self._unpacked(body, key) if sha256(body).digest() == digest else None
        except Exception:  # whatever is in a file that somebody else wrote
            return None

    def save(self, key: str, dataset: MapDataset) -> None:
        """Keep a dataset; its file appears whole or not at all.

        Warns
        -----
        FovnbWarning
            If it cannot be kept; none is kept after that.
        """
        if not self._keeps:
            return
        try:
            body = packed(dataset, key)
            with replace_whole(self._path(key), overwrite=True) as temporary, temporary.open("wb") as file:
                file.write(sha256(body).digest())
                file.write(body)
        except (DataError, InvalidInputError) as error:
            self._keeps = False
            msg = f"the cubes of this and later runs are not kept, a resumed run makes them anew: {error}"
            warnings.warn(msg, FovnbWarning, stacklevel=2)

    def _unpacked(self, body: memoryview, key: str) -> MapDataset:
        """Return a dataset; the sky grids that were used last are kept for the next."""
        made = unpacked(body, key, self._grids)
        for old in list(self._grids)[:-_KEPT_GRIDS]:
            del self._grids[old]
        return made

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{self.suffix}"
