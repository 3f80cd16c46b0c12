"""The tab that asks what if: how much worse the fit becomes when a parameter is moved off its best value."""

from math import isfinite, nan

import ipywidgets as w

from fovnb.diagnostics.held import Held, held_profile
from fovnb.plots.live import Profile, ProfileView
from fovnb.widgets.fitter_look import Look, draw
from fovnb.widgets.fitter_parameters import values_at
from fovnb.widgets.form import Entry, Form
from fovnb.widgets.plot import Plot

__all__ = ["ProfileTab"]

_NAME = "name"
_POINTS, _FEW_POINTS, _MANY_RUNS = 25, 9, 8


class ProfileTab:
    """-2 ln L against one parameter, with the place where its slider stands."""

    title = "What if"

    def __init__(self) -> None:
        self._plot = Plot(ProfileView(), 700, 400, "Deviance profile")
        self._form = Form([_entry([])], {_NAME: None})
        self._form.on_edit(lambda _, __: self._again())
        self._look: Look | None = None
        self._held: dict[str, Held] = {}
        self.plots = (self._plot,)
        self.box = w.VBox([self._form, self._plot.picture])

    @property
    def name(self) -> str | None:
        """The parameter."""
        name: str | None = self._form.values[_NAME]
        return name

    def follow(self, name: str) -> None:
        """Choose the parameter of the next results."""
        self._form.show({_NAME: name})

    def know(self, held: dict[str, Held]) -> None:
        """Take what is known of the parameters where they stand."""
        self._held = held

    def draw(self, look: Look) -> None:
        """Show results."""
        self._look = look
        names = list(values_at(look.results.recipe))
        if self._form.fields != [_entry(names).as_dict()]:
            kept = self.name if self.name in names else next(iter(names), None)
            self._form.replace([_entry(names)], {_NAME: kept})
        draw(self._plot, look, lambda: self._profile(look))

    def close(self) -> None:
        """Let go of everything."""
        self._look = None
        self._form.close()
        self._plot.close()

    def _again(self) -> None:
        if self._look is not None:
            with self._look.state.lock:
                self.draw(self._look)

    def _profile(self, look: Look) -> Profile:
        name = self.name or ""
        n = _POINTS if len(look.datasets) < _MANY_RUNS else _FEW_POINTS
        profile = look.find(f"profile {name}", lambda datasets: held_profile(datasets, name, n))
        value = values_at(look.results.recipe)[name]
        rise = self._held[name].rise if name in self._held else nan
        return Profile(profile, value, rise) if isfinite(rise) else Profile(profile)


def _entry(names: list[str]) -> Entry:
    return Entry(_NAME, "choice", "parameter", choices=tuple((name, name) for name in names))
