"""BackgroundFitter: how the background is normalised, run by run, and what the counts say of it."""

from typing import Any, ClassVar

import ipywidgets as w

from fovnb.diagnostics.fitted_spectrum import fitted_spectrum
from fovnb.diagnostics.held import Held, fitted_nodes, held_parameters
from fovnb.errors import FovnbError, RecipeError
from fovnb.modeling.background_record import GOOD_STATUSES
from fovnb.plots.live import SpectrumView
from fovnb.recipe import PiecewiseNorm, PiecewisePowerLawNorm, Recipe
from fovnb.recipe.norm_kinds import with_nodes
from fovnb.recipe.norms import Norm
from fovnb.widgets.base import StateWidget
from fovnb.widgets.code_panel import CodePanel
from fovnb.widgets.fitter_look import Look, draw
from fovnb.widgets.fitter_more import more_rule, more_sheet
from fovnb.widgets.fitter_norm import NODES, NORM, norm_rule, norm_sheet
from fovnb.widgets.fitter_panel import Panel
from fovnb.widgets.fitter_parameters import fitted_texts, parameter_rule, parameter_sheet, parameters_at, values_at
from fovnb.widgets.fitter_profile import ProfileTab
from fovnb.widgets.fitter_runs import RunsTab
from fovnb.widgets.fitter_tables import ModelsTab, NumbersTab
from fovnb.widgets.fitter_tabs import Tabs
from fovnb.widgets.fitter_views import FieldTab, HistogramTab, MapTab
from fovnb.widgets.form import Entry, Form
from fovnb.widgets.note import Note, Tone
from fovnb.widgets.plot import Plot
from fovnb.widgets.state import State
from fovnb.widgets.upstream import state_of, with_mask

__all__ = ["BackgroundFitter"]

_LOOK = "look_at"
_SAID = 3  # sentences about runs beside the spectrum


class BackgroundFitter(StateWidget):
    """Edits the background step, fits all runs again at every change, and shows what became of each.

    Parameters
    ----------
    upstream : widget, Recipe, path or object of the engine, optional
        Where the runs come from, such as a `CubeBuilder`; simulated runs by default.
    mask : widget or object of the engine, optional
        What the fits leave out, such as a `MaskEditor` of the same chain; by default what ``upstream`` says.
    **fields
        Values of the recipe's background and stack, such as ``method`` or ``norm``.

    Raises
    ------
    InvalidInputError
        If ``upstream`` or ``mask`` is none of these.
    RecipeError
        If there is no such field, or a value is impossible.

    Examples
    --------
    >>> fitter = BackgroundFitter()
    >>> fitter.parameters.form.set("background.norm.tilt.frozen", True)
    >>> fitter.result.ledger["status"].tolist()
    ['ok', 'ok']
    >>> "tilt" in fitter.result.ledger.colnames
    False
    >>> fitter.close()
    """

    steps: ClassVar[tuple[str, ...]] = ("background", "stack")

    def __init__(self, upstream: Any = None, mask: Any = None, **fields: Any) -> None:
        state = _chained(upstream, mask, self.steps, fields)
        self.norm = Panel(state, norm_sheet, self._norm_rule)
        self.parameters = Panel(state, parameter_sheet, self._parameter_rule)
        self.more = Panel(state, more_sheet, more_rule(lambda: self.obs_ids))
        self.runs = RunsTab(state, self.look_at)
        self.what_if, self.models = ProfileTab(), ModelsTab(self._use)
        views = (self.runs, MapTab(), HistogramTab(), FieldTab(), self.what_if, self.models, NumbersTab())
        self.tabs = Tabs(views)
        self.spectrum = Plot(SpectrumView(), 900, 420, "Spectrum")
        self.scope = Form([_scope([])], {_LOOK: None})
        self.scope.on_edit(lambda _, obs_id: self.look_at(obs_id))
        self.note = Note()
        self._look: Look | None = None
        parts = (self.norm, self.parameters, self.more, self.tabs, self.spectrum)
        super().__init__(state, [*self._arranged(), CodePanel(state, self.steps)], parts)
        state.observe(self._show, "results")
        state.observe(self._mark, "status")
        self._show()

    @property
    def obs_ids(self) -> list[int]:
        """The runs of the last results."""
        results = self.state.results
        return [] if results is None else results.ledger["OBS_ID"].tolist()

    def look_at(self, obs_id: int | None) -> None:
        """Show one run, or all of them.

        Parameters
        ----------
        obs_id : int, optional
            OBS_ID of the run; None for all.
        """
        with self.state.lock:
            self.scope.show({_LOOK: obs_id})
            self._show()

    def picture(self) -> bytes | None:
        """Return the spectrum."""
        return self.spectrum.picture.png or None

    def close(self) -> None:
        """Free everything; the other widgets of the chain live on."""
        if self._parts:
            self.state.unobserve(self._show, "results")
            self.state.unobserve(self._mark, "status")
            self._look = None
        super().close()

    def _arranged(self) -> list[w.Widget]:
        """Return the parts, side by side where there is room."""
        more = w.Accordion(
            [self.more.form], titles=["Gradient, runs together, requirements, stack"], selected_index=None
        )
        left = w.VBox([self.norm.form, more, self.note], layout={"flex": "1 1 300px", "min_width": "280px"})
        right = w.VBox([self.scope, self.spectrum.picture], layout={"flex": "2 1 480px", "min_width": "280px"})
        above = w.Box([left, right], layout={"flex_flow": "row wrap", "grid_gap": "4px 14px"})
        return [above, self.parameters.form, self.tabs.box]

    def _show(self, _: object = None) -> None:
        """Show the results: numbers first, then the spectrum, then the tab that is seen."""
        with self.state.lock:
            results = self.state.results
            if results is None:
                self.spectrum.say(self.state.status.text)
                return
            obs_ids = self.obs_ids
            if self.scope.fields != [_scope(obs_ids).as_dict()]:
                seen = self.scope.values[_LOOK]
                self.scope.replace([_scope(obs_ids)], {_LOOK: seen if seen in obs_ids else None})
            self._look = look = Look(self.state, results, self.scope.values[_LOOK])
            held = _held(look)
            self.note.say(*_verdict(look))
            self.parameters.form.show(_known(self.parameters.form, fitted_texts(results.recipe, held)))
            draw(self.spectrum, look, lambda: look.find("spectrum", fitted_spectrum))
            self.what_if.know(held)
            self.tabs.draw(look)

    def _mark(self, _: object) -> None:
        """Say whether what is shown belongs to another recipe; what is computed at once is never marked."""
        with self.state.lock:
            stale = self.state.status.phase != "ready" and self.state.results is not None and not self.state.fresh
            self.spectrum.picture.stale = stale
            self.tabs.mark(stale)
            if self.state.results is None:
                self.spectrum.say(self.state.status.text)

    def _norm_rule(self, recipe: Recipe, path: str, value: Any) -> tuple[str, Any]:
        return (
            (NORM, self._with_fitted_nodes(recipe.background.norm)) if path == NODES else norm_rule(recipe, path, value)
        )

    def _parameter_rule(self, recipe: Recipe, path: str, value: Any) -> tuple[str, Any]:
        names = {f"{place}.value": name for name, place in parameters_at(recipe).items()}
        if path in names:
            self.what_if.follow(names[path])
        return parameter_rule(recipe, path, value)

    def _use(self, norm: Norm) -> None:
        self.state.edit(NORM, norm)

    def _with_fitted_nodes(self, norm: Norm) -> Norm:
        """Return the norm with the nodes of the first run that is looked at."""
        runs = self._look.datasets if self._look is not None and self.state.fresh else []
        nodes = next((found for run in runs if (found := fitted_nodes(run))), None)
        if nodes is None or not isinstance(norm, PiecewiseNorm | PiecewisePowerLawNorm):
            msg = "no run that is looked at has nodes; wait for its fit, or type energies"
            raise RecipeError(msg)
        return with_nodes(norm, nodes)


def _chained(upstream: Any, mask: Any, steps: tuple[str, ...], fields: dict[str, Any]) -> State:
    """Return the state of what is upstream, with a mask that is not yet part of it."""
    if upstream is None and isinstance(mask, StateWidget):
        upstream = mask
    state = state_of(upstream, steps, fields)
    return state if mask is None else with_mask(state, mask)


def _verdict(look: Look) -> tuple[str, Tone]:
    """Return which runs are lost and why, and which are odd, in sentences."""
    ledger = look.results.ledger
    names = ("OBS_ID", "status", "reason")
    rows = list(zip(*(ledger[name].tolist() for name in names), strict=True))
    lost = [f"run {obs_id} is lost, {status}: {why}" for obs_id, status, why in rows if status not in GOOD_STATUSES]
    said = [*lost, *(f"run {rows[i][0]}: {words}" for i, words in ledger.odd().items())]
    more = [f"{len(said) - _SAID} more, see the tab Runs"] if len(said) > _SAID else []
    return ". ".join([*said[:_SAID], *more]), "warning" if said else "plain"


def _scope(obs_ids: list[int]) -> Entry:
    runs = tuple((obs_id, f"run {obs_id}") for obs_id in obs_ids)
    return Entry(_LOOK, "choice", "look at", choices=((None, "all runs"), *runs))


def _held(look: Look) -> dict[str, Held]:
    """Return what the runs say of each parameter where it stands; nothing if all failed."""
    values = values_at(look.results.recipe)
    try:
        found: dict[str, Held] = look.find("held", lambda datasets: held_parameters(datasets, values))
    except FovnbError:
        return {}
    return found


def _known(form: Form, texts: dict[str, str]) -> dict[str, str]:
    """Return the texts that a form has a field for; it may be at another norm already."""
    return {path: text for path, text in texts.items() if path in form.paths}
