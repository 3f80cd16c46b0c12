"""What ``python -m fovnb report`` does: from a folder of DL3 data to a ledger and a report."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fovnb.data import DataStore
from fovnb.datasets import Ledger
from fovnb.errors import InvalidInputError, RecipeError
from fovnb.files import make_path, replace_whole
from fovnb.makers import ExclusionMask
from fovnb.maps.fits import open_hdulist
from fovnb.recipe.paths import portable
from fovnb.report.core import Report, report
from fovnb.report.folder import Reduction, reduce_runs
from fovnb.report.survey import n_in_fields
from fovnb.report.targets import check_targets

__all__ = ["GAMMA_CAT", "exclusion_from", "report_folder", "shown", "write_ledger"]

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
        If a file cannot be written, exists and is not to be replaced, or report and ledger are one file, which is said
        before the work begins; or if the data or the mask cannot be read.
    """
    output, ledger = make_path(output), None if ledger is None else make_path(ledger)
    _check_names(output, ledger)
    check_targets([output] if ledger is None else [output, ledger], overwrite)
    how = reduction or Reduction()
    mask, origin = exclusion_from(exclude)
    observations = DataStore.from_dir(folder).get_observations(obs_ids)
    datasets = reduce_runs(observations, how, mask, progress)
    if mask is not None:
        origin += f" Areas in the fields: {n_in_fields(mask, datasets)} of {len(mask)}."
    done = report(datasets, output, notes=[f"Data: {shown(folder)}", how.sentence, origin], overwrite=overwrite)
    if ledger is not None:
        write_ledger(done.ledger, ledger, overwrite)
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
    return mask, f"Exclusion mask: {len(mask)} area{'s' * (len(mask) != 1)} from {shown(path or GAMMA_CAT)}{chosen}."


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


def write_ledger(ledger: Ledger, path: Path, overwrite: bool = False) -> None:
    """Write a ledger as ECSV, whole or not at all.

    Raises
    ------
    DataError
        If the file exists and ``overwrite`` is False, or cannot be written.
    """
    with replace_whole(path, overwrite) as temporary:
        ledger.write(temporary, format="ascii.ecsv", overwrite=True)


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as a page may show it: as a recipe would write it, or its name alone.

    Examples
    --------
    >>> shown(Path("data/runs").absolute()), shown("/data/runs")
    ('data/runs', 'runs')
    """
    try:
        return portable(path)
    except RecipeError:
        return Path(path).name


def _check_names(output: Path, ledger: Path | None) -> None:
    if ledger is not None and output.resolve() == ledger.resolve():
        msg = f"report and ledger are the same file, {output}; give the ledger another name"
        raise InvalidInputError(msg)
    if ledger is not None and ledger.suffix.lower() != ".ecsv":
        msg = f"{ledger} does not end in .ecsv, the format that a ledger is written in; give it this ending"
        raise InvalidInputError(msg)
