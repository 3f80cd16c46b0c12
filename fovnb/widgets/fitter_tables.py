"""The tabs of the fitter that are tables: the numbers of the spectrum, and norm models side by side."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import ipywidgets as w
import numpy as np

from fovnb.diagnostics.fitted_spectrum import FittedSpectrum, fitted_spectrum
from fovnb.errors import FovnbError
from fovnb.makers import NormComparison, compare_norm_models
from fovnb.recipe.norm_kinds import candidates
from fovnb.recipe.norms import Norm
from fovnb.steps import execute, norm_statements
from fovnb.widgets.fitter_look import Look
from fovnb.widgets.note import Note
from fovnb.widgets.plot import Plot
from fovnb.widgets.table import Column, Table

__all__ = ["ModelsTab", "NumbersTab"]

_NUMBERS = (
    Column("energy", "Energy", unit="TeV"),
    Column("counts", "Counts", "number"),
    Column("background", "Background", "number"),
    Column("npred", "Corrected", "number", help="background with the norm"),
    Column("ratio", "Ratio", "number", help="counts over corrected background"),
    Column("ratio_lo", "from", "number", help="lower end of the ratio's 68 % interval"),
    Column("ratio_hi", "to", "number", help="upper end of the ratio's 68 % interval"),
    Column("pull", "Pull", "number", digits=3, help="in standard deviations"),
)
_MODELS = (
    Column("run", "Run"),
    Column("model", "Model"),
    Column("status", "Status"),
    Column("deviance", "Deviance", "number"),
    Column("dof", "dof", "number", help="degrees of freedom"),
    Column("delta_AIC", "ΔAIC", "number", digits=3, help="above the run's lowest; up to 2 is as good"),
    Column("p", "p", "number", digits=2, help="probability of a larger deviance"),
)
_USE = "use"


class NumbersTab:
    """The numbers of the spectrum, a row an energy bin."""

    title = "Numbers"

    def __init__(self) -> None:
        self.note, self.table = Note(), Table(_NUMBERS, "Spectrum outside the exclusion mask")
        self.box = w.VBox([self.note, self.table])
        self.plots: tuple[Plot[Any], ...] = ()

    def draw(self, look: Look) -> None:
        """Show results."""
        try:
            found: FittedSpectrum = look.find("spectrum", fitted_spectrum)
        except FovnbError as error:
            self.note.refuse(error)
            self.table.show([])
            return
        self.note.say(f"{look.words}: deviance {found.deviance:.1f} for {found.dof} degrees of freedom")
        self.table.show(_energy_rows(found))

    def close(self) -> None:
        """Let go of everything."""
        self.note.close()
        self.table.close()


class ModelsTab:
    """Fits of several norm models side by side, a moment after the results; it recommends, and decides nothing.

    Parameters
    ----------
    use : callable
        Called with the norm of the row whose button is pressed.
    """

    title = "Models"

    def __init__(self, use: Callable[[Norm], None]) -> None:
        self.note, self.table = Note(), Table(_MODELS, "Norm models", actions=[(_USE, "Use")], height_px=420)
        self.box = w.VBox([self.note, self.table])
        self.table.on_action(lambda row, _: use(self._norms[str(row).partition("/")[2]]))
        self._norms: dict[str, Norm] = {}
        self.plots: tuple[Plot[Any], ...] = ()

    def draw(self, look: Look) -> None:
        """Let models be compared."""
        self._norms = candidates(look.results.recipe.background.norm)
        self.note.say(f"comparing norm models for {look.words} ...")
        self.table.rows = [row | {"class": "stale"} for row in self.table.rows]
        look.state.slowly("models", partial(_compared, look, self._norms), partial(self._show, look))

    def close(self) -> None:
        """Let go of everything."""
        self.note.close()
        self.table.close()

    def _show(self, look: Look, found: NormComparison | FovnbError) -> None:
        if isinstance(found, FovnbError):
            self.note.refuse(found)
            self.table.show([])
            return
        words = found.recommendation
        best = words["overall"] if look.obs_id is None else next(iter(words.values()))
        self.note.say(f"{look.words}: {best}")
        self.table.show(_model_rows(found))


def _compared(look: Look, norms: dict[str, Norm]) -> NormComparison | FovnbError:
    models = {name: execute(norm_statements(norm))["spectral_model"] for name, norm in norms.items()}
    try:
        return compare_norm_models(look.datasets, models)
    except FovnbError as error:
        return error


def _model_rows(found: NormComparison) -> list[dict[str, object]]:
    rows = [{name: row[name] for name in row.colnames} for row in found.table]
    return [row | {"id": f"{row['run']}/{row['model']}", "deviance": round(row["deviance"], 3)} for row in rows]


def _energy_rows(found: FittedSpectrum) -> list[dict[str, object]]:
    edges = found.energy_edges
    names = [one.name for one in _NUMBERS[1:]]
    values = np.column_stack([getattr(found, name) for name in names]).tolist()
    words = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    rows = zip(words, values, strict=True)
    return [{"id": i, "energy": word, **dict(zip(names, row, strict=True))} for i, (word, row) in enumerate(rows)]
