"""Which norm model a run needs: fits of several side by side, and a recommendation that decides nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fovnb.datasets import Datasets, MapDataset
from fovnb.errors import InvalidInputError, ModelError
from fovnb.makers.exclusion import project_exclusion_mask
from fovnb.makers.exclusion_mask import ExclusionMask
from fovnb.makers.normalise import background_sums, empty_sums, find_flaw
from fovnb.maps import Map
from fovnb.modeling.background_fit import BackgroundFit, check_method, failed_fit, fit_background
from fovnb.modeling.goodness import chi2_p_value
from fovnb.modeling.models import FoVBackgroundModel, NormSpectralModel, create_norm, needs_dataset
from fovnb.text import html_summary, text_summary
from fovnb.types import FloatArray

if TYPE_CHECKING:
    from astropy.table import Table  # imported late: it takes longer than all of this package

__all__ = ["NormComparison", "compare_norm_models"]

NormLike: TypeAlias = NormSpectralModel | str

_SAME_AIC = 2.0  # models so near to the lowest are as good
_ADEQUATE_P = 0.01
_FEW_NAMES = 3


@dataclass(frozen=True, eq=False, repr=False)
class NormComparison:
    """Fits of M norm models to each of R runs.

    Parameters
    ----------
    models : tuple of str
        Names of the models.
    fits : dict
        For each run the records of its fits, one a model.

    Examples
    --------
    >>> stiff = BackgroundFit("obs-1", "fit", "ok", "", deviance=12.0, rank=1, dof=4)
    >>> bent = BackgroundFit("obs-1", "fit", "ok", "", deviance=4.0, rank=2, dof=3)
    >>> NormComparison(("pl-norm", "lp-norm"), {"obs-1": (stiff, bent)}).recommendation["obs-1"]
    'lp-norm: it has the lowest AIC; the next, pl-norm, is 6.0 above'
    """

    models: tuple[str, ...]
    fits: Mapping[str, tuple[BackgroundFit, ...]]

    @property
    def aic(self) -> FloatArray:
        """Akaike's criterion, deviance + 2 * rank, up to a constant of the run, shape (R, M); NaN where a fit failed.

        Akaike 1974, IEEE Trans. Autom. Control 19, 716. The rank counts the parameters that the data determine.
        """
        return np.array([[one.deviance + 2 * one.rank if one.success else np.nan for one in row] for row in self._rows])

    @property
    def table(self) -> "Table":
        """One row a run and model: run, model, status, deviance, dof, AIC, delta_AIC (above the run's lowest), p."""
        from astropy.table import Table

        aic = self.aic
        lowest = np.min(aic, axis=1, initial=np.inf, where=np.isfinite(aic), keepdims=True)
        values = zip(self._cells(), aic.ravel(), (aic - lowest).ravel(), strict=True)
        rows = [
            (run, model, one.status, one.deviance, one.dof, total, above, one.p_value if one.success else np.nan)
            for (run, model, one), total, above in values
        ]
        names = ("run", "model", "status", "deviance", "dof", "AIC", "delta_AIC", "p")
        return Table(rows=rows, names=names, dtype=[str, str, str, float, int, float, float, float])

    @property
    def recommendation(self) -> dict[str, str]:
        """A sentence for each run, and one for all together, "overall": which model, and why.

        The lowest AIC wins; among models within 2 of it, the one with the fewest parameters. Overall, AIC is summed
        over the runs that every model fits, and the p-values are combined by Fisher's method.
        """
        aic, rank = self.aic, np.array([[one.rank for one in row] for row in self._rows])
        chances = np.array([[one.p_value if one.success else np.nan for one in row] for row in self._rows])
        found = {
            run: self._advice(*row) for run, row in zip(self.fits, zip(aic, rank, chances, strict=True), strict=True)
        }
        fitted = np.isfinite(aic).all(axis=1)
        if not fitted.any():
            return found | {"overall": "no run is fitted by every model; see the status of each fit"}
        left = "" if fitted.all() else f" (of {fitted.sum()} of {len(aic)} runs, those that every model fits)"
        combined = np.array([_fisher(column) for column in chances[fitted].T])
        advice = self._advice(aic[fitted].sum(axis=0), rank[fitted].sum(axis=0), combined)
        return found | {"overall": advice + left}

    @property
    def _rows(self) -> list[tuple[BackgroundFit, ...]]:
        return list(self.fits.values())

    def _cells(self) -> list[tuple[str, str, BackgroundFit]]:
        pairs = [(run, zip(self.models, row, strict=True)) for run, row in self.fits.items()]
        return [(run, model, one) for run, row in pairs for model, one in row]

    def _advice(self, aic: FloatArray, rank: FloatArray, chances: FloatArray) -> str:
        """Return which model to use, and why."""
        order = [int(j) for j in np.argsort(aic) if np.isfinite(aic[j])]
        if not order:
            return "none: no model fits; see the status of each"
        near = [j for j in order if aic[j] <= aic[order[0]] + _SAME_AIC]
        best = min(near, key=lambda j: (rank[j], aic[j]))
        words = f"{self.models[best]}: {self._why(best, order, aic)}"
        if all(chances[j] < _ADEQUATE_P for j in order):
            words += f"; but none describes the counts (best p = {max(chances[order]):.1g}): check the exclusion mask"
        return words

    def _why(self, best: int, order: list[int], aic: FloatArray) -> str:
        if len(order) == 1:
            return "it is the only model that fits"
        if best != order[0]:
            return (
                f"it is simpler than {self.models[order[0]]}, whose AIC is only {aic[best] - aic[order[0]]:.1f} lower"
            )
        return f"it has the lowest AIC; the next, {self.models[order[1]]}, is {aic[order[1]] - aic[best]:.1f} above"

    def __repr__(self) -> str:
        return text_summary("NormComparison", self.recommendation)

    def _repr_html_(self) -> str:
        table = self.table
        head = "".join(f"<th>{escape(name)}</th>" for name in table.colnames)
        lines = ("".join(f"<td>{escape(_short(cell))}</td>" for cell in row) for row in table)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f"<table><tr>{head}</tr>{body}</table>{html_summary('Recommendation', self.recommendation)}"


def compare_norm_models(
    datasets: MapDataset | Iterable[MapDataset],
    models: Iterable[NormLike] | Mapping[str, NormLike],
    exclusion_mask: Map | ExclusionMask | None = None,
) -> NormComparison:
    """Return the fits of several norm models to each run; no dataset is changed, and nothing is decided.

    Parameters
    ----------
    datasets : MapDataset, Datasets or list
        Runs, with counts and background. A background model that they have plays no part.
    models : list, or dict by name
        Norm models, or their names such as "pl-norm" and "piecewise-norm".
    exclusion_mask : Map or ExclusionMask, optional
        By default the one that each dataset's background was fitted with.

    Raises
    ------
    InvalidInputError
        If there are no datasets or no models.
    ModelError
        If a model is unknown, or has no free parameter.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=4)])
    >>> cube = Map.from_geom(geom, data=np.array([90.0, 30.0, 10.0, 3.0])[:, None, None] * np.ones((4, 2, 2)))
    >>> run = MapDataset(counts=cube, background=cube, name="obs-1")
    >>> compare_norm_models(run, ["pl-norm", "lp-norm"]).recommendation["overall"]
    'pl-norm: it has the lowest AIC; the next, lp-norm, is 4.0 above'
    """
    runs, named = Datasets(datasets), _named(models)
    if not len(runs) or not named:
        missing = "models" if len(runs) else "datasets"
        msg = f"there are no {missing} to compare; pass at least one run and models such as ['pl-norm', 'lp-norm']"
        raise InvalidInputError(msg)
    fits = {}
    for run in runs:
        given = run.mask_exclusion if exclusion_mask is None else project_exclusion_mask(exclusion_mask, run.geom)
        masked = run.replace(mask_exclusion=given)
        fits[run.name] = tuple(_fit(masked, model) for model in named.values())
    return NormComparison(tuple(named), fits)


def _fit(run: MapDataset, model: NormLike) -> BackgroundFit:
    """Return the record of the fit of a model to a run."""
    flaw, norm = find_flaw(run), None
    if flaw is None:
        try:
            norm = create_norm(model, run)
        except ModelError as error:  # too few counts for its nodes
            flaw = "too-few-counts", str(error)
    if norm is None or flaw is not None:
        return failed_fit(empty_sums(run), FoVBackgroundModel(run.name), "fit", run.name, *(flaw or ()))[1]
    return fit_background(background_sums(run), FoVBackgroundModel(run.name, norm), name=run.name)[1]


def _named(models: Iterable[NormLike] | Mapping[str, NormLike]) -> dict[str, NormLike]:
    """Return the models by names that differ; each can be made and fitted, given data."""
    if isinstance(models, str | NormSpectralModel) or not isinstance(models, Iterable):
        msg = f"models is {models!r}; expected a list such as ['pl-norm', 'piecewise-norm']"
        raise InvalidInputError(msg)
    pairs = models.items() if isinstance(models, Mapping) else [(_name(model), model) for model in models]
    named: dict[str, NormLike] = {}
    for name, model in pairs:
        if not needs_dataset(model):
            check_method(create_norm(model), "fit")
        named[name if name not in named else f"{name} #{len(named) + 1}"] = model
    return named


def _name(model: NormLike) -> str:
    """Return the name of a model: what was given, or its tag and free parameters."""
    if not isinstance(model, NormSpectralModel):
        return str(model)
    free = [label for label, par in zip(model.labels, model.parameters, strict=True) if not par.frozen]
    return f"{model.tag[-1]} ({', '.join(free) if len(free) <= _FEW_NAMES else f'{len(free)} parameters'})"


def _fisher(chances: FloatArray) -> float:
    """Return the p-value of several, -2 sum ln p as chi2 (Fisher 1932); NaN where none is known."""
    known = chances[np.isfinite(chances)]
    return chi2_p_value(float(-2 * np.log(np.maximum(known, 1e-300)).sum()), 2 * len(known)) if len(known) else np.nan


def _short(cell: object) -> str:
    return f"{cell:.4g}" if isinstance(cell, float | np.floating) else str(cell)
