"""The sections of a report, in order: a title, what is shown and what would be bad, and what makes the content."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fovnb.errors import FovnbError, FovnbWarning
from fovnb.report import images, tables
from fovnb.report.blocks import Block, items, paragraph
from fovnb.report.survey import Survey

__all__ = ["SECTIONS", "Section"]


@dataclass(frozen=True)
class Section:
    """A title, sentences on what is shown and what would be bad, and what yields the content."""

    title: str
    shows: str
    bad: str
    make: Callable[[Survey], Iterator[Block]]

    def blocks(self, survey: Survey) -> list[Block]:
        """Return what is shown; where it cannot be made, why not. Warnings are said first."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", FovnbWarning)
            try:
                content = [*self.make(survey)]
            except FovnbError as error:
                content = [paragraph(f"This section cannot be made: {error}", "doubt")]
            except Exception as error:  # one section that fails must not cost the others
                content = [paragraph(f"This section failed: {type(error).__name__}: {error}", "bad")]
        said = dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, FovnbWarning))
        return [items(said, "doubt"), *content]

    def render(self, survey: Survey) -> str:
        """Return the section as HTML."""
        what = paragraph(f"{self.shows} Bad: {self.bad}", "what")
        return "\n".join(block.html() for block in (what, *self.blocks(survey)))


SECTIONS = (
    Section(
        "Verdict",
        "A line a run, with the evidence, odd runs first; 1 % of sound surveys raise any flag.",
        "a red line.",
        tables.run_verdicts,
    ),
    Section(
        "Run ledger",
        "What became of each run.",
        "lost hours (red rows), odd or open parameters (yellow rows).",
        tables.ledger,
    ),
    Section(
        "Ratio spectra",
        "Counts over fitted background per energy bin, outside the mask.",
        "points off 1 by more than their errors; a column of one colour.",
        tables.ratios,
    ),
    Section(
        "Trends",
        "Fitted parameters against the conditions of the runs; grey bars are mean and scatter of all other runs.",
        "a run with a red mark, a slope with a small p.",
        tables.run_trends,
    ),
    Section(
        "Residual maps",
        "Significance and excess in discs of 0.1 deg; lines are the borders of the exclusion mask.",
        "red or blue areas outside the lines.",
        images.maps,
    ),
    Section(
        "Significances outside the mask",
        "How often each significance occurs, over bands of simulated fields.",
        "data outside the bands, most of all a tail to the right.",
        images.significances,
    ),
    Section(
        "Field of view",
        "Residuals in the coordinates of the camera, all runs; the arrow is the gradient, 0.1 / deg reaches the edge.",
        "one side red and the other blue, a gradient above 3 sigma.",
        images.fields,
    ),
    Section(
        "Radial profile",
        "Counts over prediction in rings around the pointing.",
        "a slope above 3 sigma.",
        images.profile,
    ),
    Section(
        "Mask scan",
        "Norm and tilt while the exclusion mask shrinks and grows.",
        "a norm that falls while the mask grows: a source leaks out of it.",
        tables.scan,
    ),
    Section(
        "Background left by the mask",
        "The share that the mask leaves per energy bin, of the run of which it leaves least.",
        "a bin below the line at 30 %.",
        tables.fractions,
    ),
    Section(
        "Wobble consistency",
        "Norm and ratio spectrum of each pointing of a target.",
        "pointings that differ by more than their errors.",
        tables.wobbles,
    ),
    Section(
        "Identifiability",
        "Which combinations of parameters the counts determine, and how well.",
        "a row that is open.",
        tables.identified,
    ),
    Section(
        "Alignment",
        "How much less likely the counts are with the background mirrored; bars are all runs, dots single ones.",
        "a bar that passes the dotted line on the left.",
        images.orientation,
    ),
    Section(
        "Times",
        "LIVETIME and ONTIME of the headers against the good time intervals.",
        "a difference above 1 %.",
        tables.run_times,
    ),
)
