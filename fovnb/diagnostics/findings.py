"""What each diagnostic finds, as a p-value and a sentence: the questions that a verdict is made of.

A p-value is the probability that a sound run, or a sound set of runs, looks at least as odd. It is 0 or 1 where chance
has no part, and NaN where there is no telling.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import cash_significance
from fovnb.diagnostics.alignment import alignment
from fovnb.diagnostics.gradient import Gradient, gradient
from fovnb.diagnostics.pixels import Mask
from fovnb.diagnostics.profile import RadialProfile, radial_profile
from fovnb.diagnostics.significance import significance_histogram
from fovnb.diagnostics.times import times
from fovnb.diagnostics.trends import trends
from fovnb.diagnostics.wobble import wobble
from fovnb.errors import FovnbError
from fovnb.types import FloatArray

__all__ = ["Finding", "combined", "findings_of_run", "findings_of_runs"]


@dataclass(frozen=True)
class Finding:
    """What a diagnostic says: its name, the p-value, a sentence, and of which run, by OBS_ID; None of all runs."""

    diagnostic: str
    p_value: float
    evidence: str
    obs_id: int | None = None


def findings_of_run(run: MapDataset, exclusion_mask: Mask, toys: int, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield what the diagnostics say of one run that could be fitted.

    Parameters
    ----------
    run : MapDataset
        With a fitted background.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that the background was fitted with.
    toys : int
        Number of simulated fields.
    rng : Generator
        Random numbers of the toys.
    """
    yield from _asked("gradient", lambda: [_gradient(gradient(run, exclusion_mask=exclusion_mask), _OF_ONE)])
    yield from _asked("significance_histogram", lambda: [_width(run, exclusion_mask, toys, rng)])
    yield from _asked("radial_profile", lambda: [_radial(radial_profile(run, exclusion_mask=exclusion_mask))])
    yield from _goodness(run)
    yield from _identifiability(run)
    yield from _asked("times", lambda: [_times(run)])


def findings_of_runs(runs: Sequence[MapDataset], exclusion_mask: Mask) -> Iterator[Finding]:
    """Yield what the diagnostics say of all runs together, and of each against the others."""
    yield from _asked("alignment", lambda: [_alignment(runs, exclusion_mask)])
    yield from _asked("trends", lambda: list(_trends(runs)))
    if len(runs) > 1:
        yield from _asked("gradient", lambda: [_gradient(gradient(runs, exclusion_mask=exclusion_mask), _OF_ALL)])
        yield from _asked("radial_profile", lambda: [_radial(radial_profile(runs, exclusion_mask=exclusion_mask))])
        yield from _asked("wobble", lambda: list(_wobble(runs, exclusion_mask)))


def combined(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield, for each diagnostic of single runs, how odd its m p-values are together.

    -2 sum ln p follows chi2 with 2 m degrees of freedom (Fisher 1925, Statistical Methods for Research Workers, 21.1).

    Examples
    --------
    >>> one, = combined([Finding("gradient", 0.01, ""), Finding("gradient", 0.02, "")])
    >>> round(one.p_value, 6)
    0.001903
    """
    from scipy.special import chdtrc

    for name in _COMBINED:
        p = [f.p_value for f in findings if f.diagnostic == name and np.isfinite(f.p_value)]
        if len(p) > 1:
            chi2 = float(-2 * np.log(np.maximum(p, _LEAST_P)).sum())
            words = f"{name.replace('_', ' ')} of {len(p)} runs, each in its own field, taken together"
            yield Finding(name, float(chdtrc(2 * len(p), chi2)), f"{words}: chi2 {chi2:.1f} for {2 * len(p)}")


_COMBINED = ("gradient", "significance_histogram", "radial_profile", "goodness")
_LEAST_P = 1e-300
_OF_ONE = "a source outside the mask, or a wrong mask"
_OF_ALL = "the same in all fields, so a wrong shape of the background response"


def _asked(diagnostic: str, ask: Callable[[], list[Finding]]) -> list[Finding]:
    """Return the findings, or why there are none."""
    try:
        return ask()
    except FovnbError as error:
        return [Finding(diagnostic, np.nan, str(error))]


def _gradient(found: Gradient, cause: str) -> Finding:
    """Return the fitted gradient with the p-value of the score test, which holds better where counts are few."""
    if not np.isfinite(found.magnitude):
        return Finding("gradient", np.nan, found.fit.reason)
    along = np.array([found.gx, found.gy]) / found.magnitude
    error = np.sqrt(along @ found.covariance @ along)
    where = f"towards {found.direction_deg:.0f} deg (0 is smaller right ascension, 90 is north)"
    evidence = f"gradient {found.magnitude:.3f} ± {error:.3f} /deg {where}, {found.z:.1f} sigma: {cause}"
    return Finding("gradient", found.score_p, evidence)


def _width(run: MapDataset, exclusion_mask: Mask, toys: int, rng: np.random.Generator) -> Finding:
    """Return the width of the significances at all energies, by Student's t: its toys are a sample."""
    from scipy.special import stdtr

    edges = run.geom.axes["energy"].edges[[0, -1]]
    found = significance_histogram(run, edges, exclusion_mask=exclusion_mask, toys=toys, rng=rng)
    z, expected = float(found.std_z[0]), found.toy_std[0]
    evidence = (
        f"the significances outside the mask have a width of {found.std[0]:.2f}, {expected.mean():.2f} ± "
        f"{expected.std():.2f} expected, {z:+.1f} sigma: "
        f"{'sources outside the mask, or a wrong shape of the background' if z > 0 else 'counts that repeat'}"
    )
    return Finding("significance_histogram", float(2 * stdtr(toys - 1, -abs(z) / np.sqrt(1 + 1 / toys))), evidence)


def _radial(found: RadialProfile) -> Finding:
    evidence = (
        f"counts over prediction change by {found.slope:+.3f} ± {found.slope_err:.3f} per deg2 of squared offset, "
        f"{found.z:+.1f} sigma: the background falls off otherwise than the response says"
    )
    return Finding("radial_profile", _skewed_p(found.z, _skewness(found)), evidence)


def _skewness(found: RadialProfile) -> float:
    """Return that of the sum of counts times u, sum P u^3 / (sum P u^2)^1.5 with u the offset^2 less its mean."""
    weights = found.npred
    squared = found.offset_edges**2
    u = (squared[1:] + squared[:-1]) / 2
    u = u - np.average(u, weights=weights)
    return float(np.sum(weights * u**3) / np.sum(weights * u**2) ** 1.5)


def _skewed_p(z: float, skewness: float) -> float:
    """Return the two-sided p-value of z by the gamma distribution of the same three moments (Pearson's type III)."""
    from scipy.special import gammainc, gammaincc

    shape = 4 / max(skewness**2, 1e-8)
    at = max(shape + z * np.sign(skewness or 1) * np.sqrt(shape), 0.0)
    return float(min(1.0, 2 * min(gammainc(shape, at), gammaincc(shape, at))))


def _goodness(run: MapDataset) -> Iterator[Finding]:
    """Yield the deviance of the run's fit, by chi2.

    Far out chi2 holds for few counts as well. On average the deviance of a bin that predicts about 2 counts is 15 %
    larger, which many runs together would show: it is divided by that.
    """
    from scipy.special import chdtrc

    fit = run.background_fit
    if fit is None or fit.problem is None or fit.dof <= 0:
        return
    expected = max(fit.dof + float(np.sum(_mean_deviance(fit.predicted[fit.background > 0]) - 1)), fit.dof)
    evidence = (
        f"deviance {fit.deviance:.1f}, {expected:.1f} expected for {fit.dof} degrees of freedom: "
        "the spectrum of the background is not that of the fitted norm"
    )
    yield Finding("goodness", float(chdtrc(fit.dof, fit.deviance * fit.dof / expected)), evidence)


def _mean_deviance(predicted: FloatArray) -> FloatArray:
    """Return the mean of 2 [P - N + N ln(N / P)] over N ~ Poisson(P), for each P; 1 to 0.2 % above 100."""
    from scipy.special import gammaln

    p = np.clip(predicted, 1e-9, 100)
    n = np.arange(250.0)[:, None]
    chance = np.exp(n * np.log(p) - p - gammaln(n + 1))
    return np.asarray(np.sum(chance * cash_significance(n, p) ** 2, axis=0))


def _identifiability(run: MapDataset) -> Iterator[Finding]:
    fit = run.background_fit
    if fit is not None and fit.success:
        unknown = "; ".join(fit.unconstrained)
        evidence = f"the data leave open: {unknown}; use fewer parameters" if unknown else "everything is determined"
        yield Finding("identifiability", float(not unknown), evidence)


def _times(run: MapDataset) -> Finding:
    said = "; ".join(times(run).flagged.values())
    return Finding("times", float(not said), said or "header and good time intervals agree")


def _alignment(runs: Sequence[MapDataset], exclusion_mask: Mask) -> Finding:
    """Return the best alternative, by Markov's inequality: where the stated one is true, L / L_stated has mean 1."""
    found = alignment(runs, exclusion_mask)
    best = 1 + int(np.argmin(found.total[1:]))
    evidence = (
        f"-2 ln L of the counts changes by {found.total[best]:+.1f} with the background {found.names[best]}: "
        "an axis of the response is reversed or swapped"
    )
    bound = (len(found.names) - 1) * np.exp(min(found.total[best] / 2, 0.0))
    return Finding("alignment", float(min(1.0, bound)), evidence)


def _trends(runs: Sequence[MapDataset]) -> Iterator[Finding]:
    found = trends(runs)
    for name, test in found.tests.items():
        for i, (obs_id, p_value) in enumerate(zip(found.obs_id.tolist(), test.p_value.tolist(), strict=True)):
            yield Finding("trends", p_value, f"{test.evidence(i, name)}: a wrong livetime, or other conditions", obs_id)
    for name, covariate in product(found.parameters, found.covariates):
        slope = found.slopes[name, covariate]
        if np.isnan(slope.p_value):
            continue
        evidence = f"{name} changes with {covariate} by {slope.slope:.2g} ± {slope.error:.1g} a unit"
        yield Finding("trends", slope.p_value, evidence)


def _wobble(runs: Sequence[MapDataset], exclusion_mask: Mask) -> Iterator[Finding]:
    found = wobble(runs, exclusion_mask=exclusion_mask)
    if len(found.n) < 2:
        return
    tests = (
        ("norms", found.of_norm, "other conditions or a wrong livetime"),
        ("ratio spectra", found.of_ratio, _OF_ONE),
        ("gradients", found.of_gradient, _OF_ONE),
    )
    for name, test, cause in tests:
        evidence = f"the {name} of {len(found.n)} pointings differ, chi2 {test.chi2:.1f} for {test.dof}: {cause}"
        yield Finding("wobble", test.p_value, evidence)
