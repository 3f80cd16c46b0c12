"""What ``python -m fovnb report`` does: from a folder of DL3 data to a ledger and a report."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fovnb.data import DataStore
from fovnb.datasets import Ledger
from fovnb.files import make_path, replace_whole
from fovnb.makers import ExclusionMask
from fovnb.maps.fits import open_hdulist
from fovnb.report.core import Report, report
from fovnb.report.folder import Reduction, reduce_runs
from fovnb.report.survey import n_in_fields
from fovnb.report.targets import check_targets

__all__ = ["GAMMA_CAT", "exclusion_from", "report_folder"]

GAMMA_CAT = "$GAMMAPY_DATA/catalogs/gammacat/gammacat.fits.gz"
_REGIONS = {".reg", ".ds9", ".crtf"}
_EXTENSION = "morph_sigma"  # in gamma-cat


def report_folder(
    folder: str,
    output: Path,
    ledger: Path | None = None,
    obs_ids: Iterable[str] | None = None,
    exclude: str | None = None,
    reduction: Reduction | None = None,
    overwrite: bool = False,
    progress: Callable[[Iterable[Any]], Iterable[Any]] | None = None,
) -> tuple[Report, str]:
    """Reduce runs, write their report and ledger, and return the report and where the exclusion mask comes from.

    Warnings are printed to stderr, each once.

    Parameters
    ----------
    folder : str
        DL3 data with index files.
    output, ledger : Path, optional
        Where to write the report, and the ledger as ECSV.
    obs_ids : list of str, optional
        Runs, by default all.
    exclude : str, optional
        See `exclusion_from`.
    reduction : Reduction, optional
        Energies, pixels and norm model.
    overwrite : bool
        Whether to replace files.
    progress : callable, optional
        Wraps the runs, as ``tqdm.tqdm`` does.

    Raises
    ------
    FovnbError
        If a file cannot be written, or exists and is not to be replaced, which is said before the work begins; or if
        the data or the mask cannot be read.
    """
    output, ledger = make_path(output), None if ledger is None else make_path(ledger)
    check_targets(output, ledger, overwrite)
    how = reduction or Reduction()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mask, origin = exclusion_from(exclude)
        observations = DataStore.from_dir(folder).get_observations(obs_ids)
        datasets = reduce_runs(observations, how, mask, progress)
        if mask is not None:
            origin += f" Areas in the fields: {n_in_fields(mask, datasets)} of {len(mask)}."
        done = report(datasets, output, notes=[f"Data: {folder}", how.sentence, origin], overwrite=overwrite)
    for text in dict.fromkeys(str(one.message) for one in caught):
        print(f"fovnb: warning: {text}", file=sys.stderr)
    if ledger is not None:
        _write(done.ledger, ledger, overwrite)
    return done, origin


def exclusion_from(path: str | None) -> tuple[ExclusionMask | None, str]:
    """Return an exclusion mask and a sentence on where it comes from.

    Parameters
    ----------
    path : str, optional
        A region file (.reg, .ds9, .crtf), a FITS mask, or a table of positions. By default gamma-cat, if there is one
        under $GAMMAPY_DATA. Sources of a table are left out within 0.3 deg, or twice their ``morph_sigma``.

    Raises
    ------
    DataError, InvalidInputError
        If the file cannot be read, or holds nothing of the kind.
    """
    if path is None and not ("GAMMAPY_DATA" in os.environ and make_path(GAMMA_CAT).exists()):
        return None, f"EXCLUSION MASK: NONE. Sources count as background: pass --exclude FILE, or fetch {GAMMA_CAT}."
    file = make_path(path or GAMMA_CAT)
    mask = ExclusionMask.from_file(file) if _holds_areas(file) else _from_table(file)
    chosen = "" if path else ", found by itself; pass --exclude FILE for another"
    return mask, f"Exclusion mask: {len(mask)} area{'s' * (len(mask) != 1)} from {file}{chosen}."


def _holds_areas(file: Path) -> bool:
    """Return whether a file holds regions or a mask, rather than a table of positions."""
    suffix = Path(file.name.removesuffix(".gz")).suffix.lower()
    if suffix not in {".fits", ".fit"}:
        return suffix in _REGIONS
    with open_hdulist(file) as hdus:
        return any(hdu.is_image and hdu.header["NAXIS"] > 1 for hdu in hdus)


def _from_table(file: Path) -> ExclusionMask:
    from astropy.table import Table

    mask = ExclusionMask.from_catalog(file)
    extended = _EXTENSION in Table.read(file).colnames
    return ExclusionMask.from_catalog(file, extension=_EXTENSION) if extended else mask


def _write(ledger: Ledger, path: Path, overwrite: bool) -> None:
    with replace_whole(path, overwrite) as temporary:
        ledger.write(temporary, format="ascii.ecsv", overwrite=True)
