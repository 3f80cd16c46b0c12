"""The report as an object: the page, and the verdicts and the ledger in it."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fovnb import __version__
from fovnb.datasets import Ledger, MapDataset
from fovnb.diagnostics.pixels import Mask
from fovnb.diagnostics.verdict import Verdicts
from fovnb.errors import DataError, InvalidInputError
from fovnb.files import make_path, replace_whole
from fovnb.report.blocks import items
from fovnb.report.page import document
from fovnb.report.sections import SECTIONS
from fovnb.report.survey import Survey, any_tested, verdict_lines, with_mask
from fovnb.text import html_summary, text_summary

__all__ = ["Report", "report", "report_on"]


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """A page about runs, and what stands at its top.

    Parameters
    ----------
    title : str
        Title of the page.
    html : str
        The page: no script, and nothing that is loaded from elsewhere.
    verdicts : Verdicts
        What is odd, by run.
    ledger : Ledger
        What became of each run.
    """

    title: str
    html: str
    verdicts: Verdicts
    ledger: Ledger

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdict of each run and of all together, a line each."""
        return verdict_lines(self.verdicts)

    @property
    def usable(self) -> bool:
        """Whether anything could be tested of any run."""
        return any_tested(self.verdicts)

    def write(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the page to a file, which appears whole or not at all.

        Raises
        ------
        DataError
            If the file exists and ``overwrite`` is False, or cannot be written.
        """
        with replace_whole(make_path(path), overwrite) as temporary:
            temporary.write_text(self.html, encoding="utf-8")

    def _rows(self) -> dict[str, object]:
        odd = ", ".join(self.verdicts.flagged) or "none"
        size = f"{len(self.html) / 1e6:.2f} MB"
        return {
            "runs": len(self.ledger),
            "odd runs": odd,
            "all together": self.verdicts.all_runs.sentence,
            "size": size,
        }

    def __repr__(self) -> str:
        return text_summary(self.title, self._rows())

    def _repr_html_(self) -> str:
        return html_summary(self.title, self._rows())


def report(
    datasets: MapDataset | Iterable[MapDataset],
    path: str | os.PathLike[str] | None = None,
    exclusion_mask: Mask = None,
    title: str = "Background report",
    notes: str | Sequence[str] = (),
    overwrite: bool = False,
) -> Report:
    """Put runs to all diagnostics and return a page of what they say: the verdict of each run first.

    What cannot be made says why in a sentence, in the page.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs with fitted backgrounds, also failed ones; runs of one target best on one map.
    path : str or Path, optional
        Where to write the page.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the masks that the backgrounds were fitted with.
    title : str
        Title of the page.
    notes : str or list of str
        Sentences below the title, such as how the runs were made.
    overwrite : bool
        Whether to replace a file.

    Raises
    ------
    InvalidInputError
        If there is no dataset.
    DataError
        If the page cannot be written.

    Warns
    -----
    FovnbWarning
        If no area of the exclusion mask lies in the fields.

    Examples
    --------
    >>> import numpy as np
    >>> from fovnb.data import RunInfo
    >>> from fovnb.makers import FoVBackgroundMaker
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=3, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.background.data += 1
    >>> run.counts.data += np.random.default_rng(1).poisson(1, geom.data_shape)
    >>> run.mask_safe.data[...] = True
    >>> report(FoVBackgroundMaker().run(run)).lines[0][:12]
    'obs-1: sound'
    """
    given = (datasets,) if isinstance(datasets, MapDataset) else tuple(datasets)
    if not given:
        msg = "there are no datasets to report on; give at least one"
        raise InvalidInputError(msg)
    if path is not None and not overwrite and make_path(path).exists():
        msg = f"{path} exists; pass overwrite=True to replace it"
        raise DataError(msg)
    made = report_on(Survey(with_mask(given, exclusion_mask)), title, [notes] if isinstance(notes, str) else notes)
    if path is not None:
        made.write(path, overwrite)
    return made


def report_on(survey: Survey, title: str = "Background report", notes: Iterable[str] = ()) -> Report:
    """Return the page on runs of which other things are asked, too; see `report`."""
    sections = {section.title: section.render(survey) for section in SECTIONS}
    page = document(f"{title} (fovnb {__version__})", items(notes).html(), sections)
    return Report(title, page, survey.verdicts, survey.ledger)
