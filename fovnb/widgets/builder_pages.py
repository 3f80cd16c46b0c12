"""Energy slices as pages of pictures, which can be made before they are asked for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.diagnostics.energy_slice import EnergySlice, Kind, energy_slice
from fovnb.errors import FovnbError
from fovnb.pipeline import Results
from fovnb.plots.live import Image, ImageView, SentenceView, Sticky
from fovnb.widgets.canvas import Canvas

__all__ = ["SIZE", "STACK", "Page", "PageKey", "Printer"]

SIZE = 450, 400
STACK = "stack"


@dataclass(frozen=True)
class PageKey:
    """What a page shows: a dataset by name or the stack, an energy bin or all (None), and the width of smoothing."""

    dataset: str = STACK
    index: int | None = None
    width_deg: float = 0.1


@dataclass(frozen=True, eq=False)
class Page:
    """A sentence with the numbers, and a PNG and its text for each kind of map."""

    sentence: str
    pictures: Mapping[Kind, tuple[bytes, str]]
    failed: bool = False


class Printer:
    """Draws pages; whoever comes second waits, picture by picture.

    Examples
    --------
    >>> from fovnb.pipeline import run
    >>> from fovnb.recipe import Recipe
    >>> page = Printer().page(run(Recipe()), PageKey(index=4), ["counts"], "0123456789ab")
    >>> page.sentence
    'stacked, 5.49 - 10 TeV: 86 counts, 84.4 background, +1.6 excess'
    """

    def __init__(self) -> None:
        self._sheets: dict[Kind, tuple[Canvas, ImageView]] = {}
        self._sentence = SentenceView()

    def page(self, results: Results, key: PageKey, kinds: Collection[Kind], recipe: str) -> Page:
        """Return a page of results, or one that says why there is none.

        Parameters
        ----------
        results : Results
            Where the maps come from.
        key : PageKey
            What to show.
        kinds : collection of str
            Which maps.
        recipe : str
            Digits of the recipe of the results.
        """
        dataset: MapDataset = results.stacked if key.dataset == STACK else results.datasets[key.dataset]
        try:
            found = energy_slice(dataset, key.index, key.width_deg, kinds)
        except FovnbError as error:
            return self.blank(str(error), kinds, recipe)
        return Page(_sentence(found), {kind: self._picture(kind, found, recipe) for kind in kinds})

    def blank(self, sentence: str, kinds: Collection[Kind], recipe: str = "") -> Page:
        """Return a page that says a sentence."""
        return Page(sentence, {kind: self._said(kind, sentence, recipe) for kind in kinds}, failed=True)

    def _picture(self, kind: Kind, found: EnergySlice, recipe: str) -> tuple[bytes, str]:
        if kind not in found.images:
            return self._said(kind, f"{found.name} has no {kind}", recipe)
        canvas, view = self._sheet(kind)
        values = found.images[kind].data
        peak = float(np.abs(values[np.isfinite(values)]).max(initial=0)) or 1.0
        # A scale that does not depend on what was shown before: a page can be kept.
        image = Image(found.images[kind], title=found.title(kind), limit=_limit(kind, peak))
        return canvas.draw(view, image, recipe), view.alt(image)

    def _said(self, kind: Kind, sentence: str, recipe: str) -> tuple[bytes, str]:
        return self._sheet(kind)[0].draw(self._sentence, sentence, recipe), sentence

    def _sheet(self, kind: Kind) -> tuple[Canvas, ImageView]:
        return self._sheets.setdefault(kind, (Canvas(*SIZE), ImageView(kind)))


def _limit(kind: Kind, peak: float) -> float | None:
    """Return the end of the colour scale, None for that of the kind."""
    return None if kind == "significance" else Sticky().around([0.0, peak])[1]


def _sentence(found: EnergySlice) -> str:
    low, high = found.energy_tev
    excess = round(found.counts - found.background, 1) + 0.0  # never -0.0
    sums = f"{found.counts:.0f} counts, {found.background:.1f} background, {excess:+.1f} excess"
    return f"{found.name}, {low:.3g} - {high:.3g} TeV: {sums}"
