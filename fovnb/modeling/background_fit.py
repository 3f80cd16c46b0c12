"""Normalise one run's background from its sums: by a fit of the norm model, or by one scale factor.

Both return a new model and a `BackgroundFit` record, and leave their arguments as they are.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fovnb.errors import ModelError
from fovnb.modeling.background_record import BackgroundFit, Status
from fovnb.modeling.covariance import embed
from fovnb.modeling.fit import Fit
from fovnb.modeling.goodness import deviance
from fovnb.modeling.identify import advice, open_words
from fovnb.modeling.likelihood import cash
from fovnb.modeling.models import (
    FoVBackgroundModel,
    NormSpectralModel,
    PiecewiseNormSpectralModel,
    PiecewisePowerLawNormSpectralModel,
)
from fovnb.modeling.parameter import Parameter
from fovnb.modeling.pivot import pivot_energy, pivot_norm
from fovnb.modeling.reduced import Problem, make_problem
from fovnb.modeling.solve import Solution, solve_minuit, solve_newton
from fovnb.modeling.sums import BackgroundSums
from fovnb.types import FloatArray

__all__ = [
    "BackgroundFit",
    "BackgroundSums",
    "beside_priors",
    "check_method",
    "failed_fit",
    "finish_fit",
    "fit_background",
    "scale_background",
]

_NEGATIVE = "counts minus source are {:g}; they must be positive: make the exclusion mask larger or check the source"
_UPPER_LIMIT_COUNTS = 3.0  # 95 % upper limit of a Poisson mean when nothing was seen, -ln(0.05)


def check_method(spectral_model: NormSpectralModel, method: str) -> None:
    """Raise unless the norm model can be used with the method.

    Raises
    ------
    ModelError
        If the method is "scale" and there is no single parameter ``norm``, or "fit" and no parameter is free.

    Examples
    --------
    >>> from fovnb.modeling.models import PowerLawNormSpectralModel
    >>> check_method(PowerLawNormSpectralModel(), "scale")
    """
    parameters = spectral_model.parameters
    if method == "scale" and "norm" not in parameters.names:
        model, known = type(spectral_model).__name__, ", ".join(parameters.names)
        msg = f"method 'scale' needs one parameter 'norm', but {model} has {known}; use method 'fit'"
        raise ModelError(msg)
    if method == "fit" and not parameters.free_parameters:
        known = ", ".join(parameters.names)
        msg = f"method 'fit' needs a free parameter, but {known} are all frozen; set frozen = False on at least one"
        raise ModelError(msg)


def scale_background(
    sums: BackgroundSums, model: FoVBackgroundModel, name: str | None = None
) -> tuple[FoVBackgroundModel, BackgroundFit]:
    """Return the model with ``norm = (N - S) / B``, and the record.

    N, S and B are summed over bins, B with norm 1 and all other parameters as they are: the start value does not matter
    and doing it twice changes nothing. The error is ``sqrt(N) / B``. Limits and a prior of the norm take no part; the
    record says so if there are any.

    Parameters
    ----------
    sums : `BackgroundSums`
        Sums of the run.
    model : `FoVBackgroundModel`
        Model with one parameter ``norm``.
    name : str, optional
        Name of the dataset, by default the model's.

    Raises
    ------
    ModelError
        If the model has no single norm.

    Examples
    --------
    >>> sums = BackgroundSums(energy=[1.0, 4.0], counts=[12, 4], background=[10.0, 10.0])
    >>> scale_background(sums, FoVBackgroundModel("obs-1"))[1].values.tolist()
    [0.0, 0.8, 1.0]
    """
    check_method(model.spectral_model, "scale")
    new = model.copy()
    norm = new.spectral_model.norm
    used = sums.select_used()
    norm.value = 1.0
    with np.errstate(over="ignore"):
        background = float(np.sum(new.spectral_model.evaluate_tev(used.energy) * used.background))
    excess = float(np.sum(used.counts - used.source))
    failure = _hopeless(sums) or (("too-few-counts", _NEGATIVE.format(excess)) if excess <= 0 else None)
    if failure is None and not 0 < background < np.inf:
        why = f"the norm model predicts {background:g} background counts; expected a positive number, change the model"
        failure = ("no-background", why)
    if failure is not None:
        return failed_fit(sums, model, "scale", name, *failure)
    norm.value = excess / background
    index = new.parameters.index(norm)
    matrix = new.covariance.data
    matrix[index, :] = matrix[:, index] = 0
    new.covariance = matrix
    norm.error = float(np.sqrt(used.counts.sum())) / background
    problem = make_problem(used, _norm_alone(new))
    solution = Solution(problem, problem.theta, np.array([[used.counts.sum() / excess**2]]))
    pulls = {"norm": norm.prior.pull(norm.value)} if norm.prior else {}
    known = _known(sums, new, "scale", name)
    return new, BackgroundFit(
        **known,
        covariance=new.covariance.data,
        status="scaled",
        reason=f"the norm is (N - S) / B{_beside_scale(norm)}",
        free_names=("norm",),
        prior_pulls=pulls,
        **_quality(used, known["predicted"][sums.used], new, solution),
        problem=problem,
    )


def _norm_alone(model: FoVBackgroundModel) -> FoVBackgroundModel:
    """Return a copy in which only the norm is free, without limits and prior."""
    alone = model.copy()
    alone.parameters.freeze_all()
    norm = alone.spectral_model.norm
    norm.frozen, norm.prior, norm.min, norm.max = False, None, np.nan, np.nan
    return alone


def _beside_scale(norm: Parameter) -> str:
    """Return in words what of a norm plays no part where it is scaled."""
    limited = not np.isnan([norm.min, norm.max]).all()
    if not (limited or norm.prior):
        return ""
    what = "limits and prior take" if limited and norm.prior else "limits take" if limited else "prior takes"
    return f"; its {what} no part in 'scale': use 'fit' for them"


def fit_background(
    sums: BackgroundSums, model: FoVBackgroundModel, fit: Fit | None = None, name: str | None = None
) -> tuple[FoVBackgroundModel, BackgroundFit]:
    """Return the model at the maximum of the likelihood of the sums, and the record.

    Without ``fit``, Newton's method solves it exactly wherever ln n is linear in the free parameters. With ``fit``, or
    elsewhere, Minuit minimises the same sums.

    Where several norms are equally likely, the one with the least sum of (ln norm)^2 + slope^2 is taken, and the record
    says what is open. A node stays above 1e-3 and a slope within 10, unless limits are set. Priors, of the parameters
    and of the norm model, are further terms of -2 ln L; the record then also holds what the data alone give.

    Parameters
    ----------
    sums : `BackgroundSums`
        Sums of the run.
    model : `FoVBackgroundModel`
        Model with a free parameter.
    fit : `Fit`, optional
        Minimiser to use.
    name : str, optional
        Name of the dataset, by default the model's.

    Raises
    ------
    ModelError
        If no parameter is free, or a frozen norm is not positive.

    Examples
    --------
    >>> sums = BackgroundSums(energy=[1.0, 4.0], counts=[12, 4], background=[10.0, 10.0])
    >>> new, record = fit_background(sums, FoVBackgroundModel("obs-1"))
    >>> record.status, round(float(new.spectral_model.norm.value), 6)
    ('ok', 0.8)
    """
    check_method(model.spectral_model, "fit")
    failure = _hopeless(sums)
    if failure is not None:
        return failed_fit(sums, model, "fit", name, *failure)
    new, used = model.copy(), sums.select_used()
    problem = make_problem(used, new)
    solution = _solve(problem, used, new, fit)
    if solution.failure:
        return failed_fit(sums, model, "fit", name, "not-converged", solution.failure)
    acts = problem.likelihood.penalty.acts
    alone = _solve(problem.without_priors(), used, new, fit) if acts else None
    record = finish_fit(sums, new, name, solution)
    return new, record if alone is None else replace(record, **beside_priors(record, solution, alone))


def _solve(problem: Problem, used: BackgroundSums, model: FoVBackgroundModel, fit: Fit | None) -> Solution:
    if fit is None and problem.exact:
        return solve_newton(problem)
    return solve_minuit(problem, used, model, fit or Fit(optimize_opts={"tol": 1e-3}))


def _hopeless(sums: BackgroundSums) -> tuple[Status, str] | None:
    """Return status and reason if no norm can be found at all."""
    if not sums.used.any():
        seen = f" where {sums.total_unpredicted:g} counts were seen" if sums.total_unpredicted else ""
        return "no-background", f"no background is predicted in any energy bin{seen}; check masks, energy axis and IRF"
    if sums.total_counts == 0:
        return "too-few-counts", "no counts were seen where background is predicted; make the exclusion mask smaller"
    return None


def finish_fit(sums: BackgroundSums, model: FoVBackgroundModel, name: str | None, solution: Solution) -> BackgroundFit:
    """Put values, errors and covariance into the model, and return what they are worth."""
    problem, free = solution.problem, model.spectral_model.parameters.free_unique_parameters
    free.value = values = solution.values
    scale = problem.scale(values)
    with np.errstate(over="ignore"):
        matrix = embed(solution.covariance * scale * scale[:, None], model.parameters, free)
    model.covariance = matrix
    for par, error in zip(free, solution.errors.tolist(), strict=True):
        par.error = error
    found = zip(problem.labels, values.tolist(), solution.at_limit.tolist(), strict=True)
    at_limit = {label: value for label, value, held in found if held}
    unconstrained, limits = tuple(_open(solution)), _upper_limits(solution) if at_limit else {}
    known = _known(sums, model, "fit", name)
    return BackgroundFit(
        **known,
        covariance=matrix,
        status="at-limit" if at_limit else "unconstrained" if unconstrained else "ok",
        reason=_reason(at_limit, limits, _open_words(solution, model.spectral_model) if unconstrained else ""),
        free_names=problem.labels,
        at_limit=tuple(at_limit),
        unconstrained=unconstrained,
        upper_limits=limits,
        **_quality(sums.select_used(), known["predicted"][sums.used], model, solution),
        problem=problem if problem.free == free else replace(problem, free=free),  # the record makes a copy
    )


def _open(solution: Solution) -> list[str]:
    """Return in words each parameter or combination that is open."""
    return [open_words(direction, solution.problem.labels) for direction in solution.open_directions]


def _open_words(solution: Solution, spectral: NormSpectralModel) -> str:
    """Return in words all that is open, why nodes are, and what to do about it, "" if nothing is."""
    far = _far_nodes(solution.problem, spectral)
    found = [f"{name} ({far[name]})" if name in far else name for name in _open(solution)]
    return "; ".join((", nor ".join(found), *advice(solution.open_directions, solution.problem.labels)))


def _far_nodes(problem: Problem, spectral: NormSpectralModel) -> dict[str, str]:
    """Return why the norms of nodes that reach no bin are open."""
    if not isinstance(spectral, PiecewiseNormSpectralModel | PiecewisePowerLawNormSpectralModel):
        return {}
    nodes = dict(zip(spectral.labels, spectral.energy.to_value("TeV").tolist(), strict=False))
    silent = [label for label, alone in zip(problem.labels, problem.likelihood.silent, strict=True) if alone]
    return {label: f"its node at {nodes[label]:.4g} TeV reaches no bin in use" for label in silent if label in nodes}


def _quality(
    used: BackgroundSums, predicted: FloatArray, model: FoVBackgroundModel, solution: Solution
) -> dict[str, Any]:
    """Return the fields that tell how good a fit is and where the norm is known best."""
    energy = pivot_energy(used.energy, predicted)
    norm, error = pivot_norm(model, solution, energy)
    return {
        "deviance": float(deviance(used.counts, predicted)),
        "rank": solution.rank,
        "dof": len(used.energy) - round(solution.determined),
        "energy_pivot": energy,
        "norm_pivot": norm,
        "norm_pivot_err": error,
    }


def beside_priors(record: BackgroundFit, solution: Solution, alone: Solution) -> dict[str, Any]:
    """Return the fields that tell what the priors do: values without them, and pulls."""
    problem, penalty = solution.problem, solution.problem.likelihood.penalty
    found = zip(problem.labels, alone.values.tolist(), alone.errors.tolist(), penalty.directions.T, strict=True)
    free = record.problem.free if record.problem else ()
    pulls = {name: par.prior.pull(par.value) for name, par in zip(problem.labels, free, strict=True) if par.prior}
    steps = (penalty.rows @ solution.theta - penalty.target)[: problem.n_smooth]
    if steps.any():
        pulls["smoothness"] = float(steps[np.argmax(np.abs(steps))])
    return {
        "prior_free": {name: (value, error) for name, value, error, acting in found if acting.any()},
        "prior_pulls": pulls,
        "reason": f"{record.reason}; {_prior_words(pulls, alone)}",
    }


def _prior_words(pulls: Mapping[str, float], alone: Solution) -> str:
    """Return what the priors are about, and what the data alone would leave open."""
    acting = f"with a prior on {', '.join(pulls)}"
    if alone.failure:
        return f"{acting}; without it {alone.failure}"
    left = _open(alone)
    return f"{acting}, without which the data do not constrain {', nor '.join(left)}" if left else acting


def _upper_limits(solution: Solution) -> dict[str, float]:
    """Return the 95 % upper limit of each norm at its lower limit whose bins hold no counts.

    It is the norm at which these bins predict 3.0 counts, all others as they are: 3.0 / B_k for a node at a centre.
    """
    problem, theta = solution.problem, solution.theta
    likelihood, limits = problem.likelihood, {}
    for j in np.flatnonzero(solution.at_limit & problem.is_norm & (theta <= likelihood.lower)):
        touched = likelihood.design[:, j] > 0
        if likelihood.counts[0, touched].any():
            continue
        weight = likelihood.design[touched, j]
        others = likelihood.offset[touched] + likelihood.design[touched] @ theta - weight * theta[j]
        limits[problem.labels[j]] = float(np.exp(min(_root(others, weight), 700)))
    return limits


def _root(exponent: FloatArray, weight: FloatArray) -> float:
    """Return x with sum exp(exponent + weight x) = 3.0, by Newton's method on the logarithm, which is convex in x."""
    x = float(np.min((np.log(_UPPER_LIMIT_COUNTS) - exponent) / weight))  # where one bin alone reaches it
    for _ in range(50):
        terms = np.exp(exponent + weight * x - np.log(_UPPER_LIMIT_COUNTS))
        step = float(np.log(terms.sum()) * terms.sum() / (weight * terms).sum())
        x -= step
        if abs(step) < 1e-14 * (1 + abs(x)):
            break
    return x


def _reason(held: Mapping[str, float], limits: Mapping[str, float], unconstrained: str) -> str:
    parts = []
    if held:
        parts.append(f"at a limit: {', '.join(f'{name} = {value:.3g}' for name, value in held.items())}")
    if limits:
        bounds = ", ".join(f"{name} < {limit:.3g}" for name, limit in limits.items())
        parts.append(f"no counts in their bins, 95 % upper limits: {bounds}")
    if unconstrained:
        parts.append(f"the data do not constrain {unconstrained}")
    return "; ".join(parts) or "the fit converged"


def failed_fit(
    sums: BackgroundSums, model: FoVBackgroundModel, method: str, name: str | None, status: Status, reason: str
) -> tuple[FoVBackgroundModel, BackgroundFit]:
    """Return a copy of the model, as it was, and a record that says why nothing was done.

    Examples
    --------
    >>> sums = BackgroundSums(energy=[1.0], counts=[0], background=[10.0])
    >>> failed_fit(sums, FoVBackgroundModel("obs-1"), "fit", None, "too-few-counts", "no counts")[1].success
    False
    """
    new = model.copy()
    known = _known(sums, new, method, name) | {"total_stat": np.nan, "covariance": new.covariance.data}
    return new, BackgroundFit(**known, status=status, reason=reason)


def _known(sums: BackgroundSums, model: FoVBackgroundModel, method: str, name: str | None) -> dict[str, Any]:
    """Return the fields that every record holds: the model's parameters, and what it predicts."""
    used, parameters, labels = sums.used, model.parameters, model.spectral_model.labels
    with np.errstate(over="ignore", invalid="ignore"):
        norm = model.spectral_model.evaluate_tev(sums.energy)
        predicted, excluded = norm * sums.background + sums.source, norm * sums.background_excluded
    seen, expected = sums.select_used().counts, predicted[used]
    impossible = bool(((seen > 0) & ~(expected > 0)).any())
    return {
        "dataset_name": name or model.datasets_names[0],
        "method": method,
        "parameter_names": (*labels, *parameters.names[len(labels) :]),
        "values": parameters.value,
        "errors": np.array([par.error for par in parameters]),
        "total_stat": np.nan if impossible else cash(seen, expected),
        "energy": sums.energy,
        "counts": sums.counts,
        "background": sums.background,
        "predicted": np.where(used, predicted, 0.0),
        "n_unpredicted": sums.total_unpredicted,
        "livetime": sums.livetime,
        "counts_excluded": sums.counts_excluded,
        "background_excluded": excluded,
    }
