"""The sections of a report about runs and their parameters: verdicts, ledger, spectra, trends, masks, times."""

from collections.abc import Iterator

import numpy as np

from fovnb import plots
from fovnb.diagnostics.identifiability import identifiability
from fovnb.diagnostics.mask_scan import mask_scan
from fovnb.diagnostics.spectrum import RatioSpectrum, ratio_spectrum
from fovnb.diagnostics.times import times
from fovnb.diagnostics.trends import trends
from fovnb.diagnostics.wobble import Wobble, wobble
from fovnb.errors import InvalidInputError
from fovnb.makers import background_fraction
from fovnb.report.blocks import Block, Kind, LedgerTable, items, paragraph, picture, table
from fovnb.report.page import figure
from fovnb.report.survey import Survey, name_of

__all__ = [
    "fractions",
    "identified",
    "ledger",
    "ratios",
    "run_times",
    "run_trends",
    "run_verdicts",
    "scan",
    "wobbles",
]

_MOST_PARAMETERS = 4  # rows of a picture of trends


def run_verdicts(survey: Survey) -> Iterator[Block]:
    """Yield the verdict of all runs together, then a line a run, odd ones first."""
    found = survey.verdicts
    yield paragraph(f"All runs together: {found.all_runs.sentence}", "bad" if found.all_runs.flags else "")
    runs = sorted(found.runs, key=lambda run: run.sound)
    lines = [(run.name, run.sentence) for run in runs]
    kinds: list[Kind] = ["" if run.sound else "bad" for run in runs]
    yield table(["run", "verdict"], lines, kinds)
    untested = dict.fromkeys(f"{one.name}: {text}" for one in (*found.runs, found.all_runs) for text in one.untested)
    if untested:
        yield paragraph("Not tested:")
        yield items(untested)


def ledger(survey: Survey) -> Iterator[Block]:
    """Yield the ledger as a table, and the norms as a picture."""
    found = survey.ledger
    yield LedgerTable(found)
    if "norm_err" in found.colnames:
        fig, ax = figure(width=min(11, 3 + 0.24 * len(found)), bottom=0.9)
        plots.plot_ledger_norms(found, ax)
        yield picture(fig, f"Norm of {len(found)} runs with errors, in the order of the ledger")


def ratios(survey: Survey) -> Iterator[Block]:
    """Yield the ratio spectrum of all runs, and the pulls of each."""
    total = ratio_spectrum(survey.usable)
    fig, (ax, ax_pull) = figure(2, 1, width=6.5, height=4.4, sharex=True, height_ratios=[3, 1])
    plots.plot_ratio_spectrum(total, ax, ax_pull)
    values = ", ".join(f"{ratio:.3f}" for ratio in total.ratio)
    yield picture(fig, f"Counts over prediction per energy bin, all runs: {values}; p = {total.p_value:.2g}")
    records = {name_of(run): ratio_spectrum(run) for run in survey.usable}
    fig, ax = figure(width=7, height=1.4 + 0.17 * len(records))
    plots.plot_pulls(records, ax)
    worst = max(records, key=lambda name: _largest(records[name]))
    yield picture(fig, f"Pulls of every run and energy bin: up to {_largest(records[worst]):.1f}, in run {worst}")


def run_trends(survey: Survey) -> Iterator[Block]:
    """Yield parameters against what is known of the runs' conditions."""
    found = trends(survey.ledger)
    known = [name for name, values in found.covariates.items() if np.isfinite(values).any()]
    names = found.parameters[:_MOST_PARAMETERS]
    if not known:
        msg = "the runs say neither zenith, azimuth, time nor livetime"
        raise InvalidInputError(msg)
    fig, axes = figure(len(names), len(known), height=2.7 * len(names), squeeze=False, apart=0.45)
    for row, name in zip(axes, names, strict=True):
        for ax, covariate in zip(row, known, strict=True):
            plots.plot_trend(found, name, covariate, ax)
    yield picture(fig, f"{', '.join(names)} of {len(found.obs_id)} runs against {', '.join(known)}")
    yield items((f"run {flag.obs_id}: {flag.evidence}" for flag in found.flagged), "bad")
    if len(found.parameters) > len(names):
        yield paragraph(f"Not drawn, but in the ledger: {', '.join(found.parameters[len(names) :])}.")


def scan(survey: Survey) -> Iterator[Block]:
    """Yield norm and tilt against the size of the mask, of the runs in which something is excluded."""
    runs = [run for run in survey.usable if run.mask_exclusion is not None and not run.mask_exclusion.data.all()]
    if not runs:
        msg = "no exclusion mask is known, or it excludes nothing in these fields"
        raise InvalidInputError(msg)
    record = mask_scan(runs)
    fig, axes = figure(1, 3, left=0.9)
    for ax, kind in zip(axes, ("difference", "norm", "tilt"), strict=True):
        plots.plot_mask_scan(record, ax, kind)
    yield picture(fig, f"Norm and tilt of {len(runs)} runs against the size of the exclusion mask: {record.verdict}")
    yield paragraph(f"Of {len(runs)} runs with a mask: {record.verdict}.", "" if record.flat else "bad")


def fractions(survey: Survey) -> Iterator[Block]:
    """Yield the background that the mask leaves, of the run of which it leaves least; warnings name all others."""
    found = [background_fraction(run) for run in survey.usable]
    least = min(found, key=lambda one: np.nanmin(one.fraction, initial=1))
    fig, ax = figure(width=6.5)
    plots.plot_background_fraction(least, ax)
    left = ", ".join(f"{fraction:.2f}" for fraction in least.fraction)
    yield picture(fig, f"Share of the background of {least.name} that the mask leaves, per energy bin: {left}")


def wobbles(survey: Survey) -> Iterator[Block]:
    """Yield norms and ratio spectra of the pointings of each target that has several."""
    found = {name: wobble(runs) for name, runs in survey.groups.items() if len(runs) > 1}
    several = {name: record for name, record in found.items() if len(record.n) > 1}
    if not several:
        msg = f"each of {len(survey.groups)} targets has one pointing only"
        raise InvalidInputError(msg)
    for name, record in several.items():
        fig, (left, right) = figure(1, 2, height=3.2, bottom=0.75, right=1.5)
        plots.plot_wobble(record, left)
        plots.plot_wobble(record, right, "ratio")
        fig.suptitle(name)
        norms = ", ".join(f"{n:.3f} ± {error:.3f}" for n, error in zip(record.n, record.n_err, strict=True))
        yield picture(fig, f"Norms {norms} and ratio spectra of {len(record.n)} pointings of {name}")
        yield items((f"{name}: {text}" for text in record.flagged), "bad")
    head = ["target", "test", "chi2", "dof", "p"]
    yield table(head, [row for name, record in several.items() for row in _wobble_rows(name, record)])


def identified(survey: Survey) -> Iterator[Block]:
    """Yield what the data say of the parameters of the run of which they say least, and what they leave open of all."""
    models = {name_of(run): (run, run.background_model) for run in survey.usable}
    free = [run for run, model in models.values() if model is not None and not model.spectral_model.frozen]
    if not free:
        msg = f"none of {len(models)} runs has a background model with a free parameter"
        raise InvalidInputError(msg)
    found = {name_of(run): identifiability(run) for run in free}
    worst = max(found, key=lambda name: found[name].condition)
    n_free = found[worst].n_free
    fig, ax = figure(width=3.5 + 0.8 * n_free, height=1.7 + 0.4 * n_free, left=1.1)
    plots.plot_identifiability(found[worst], ax)
    yield paragraph(f"Of {len(found)} runs the data of {worst} say least:")
    yield picture(fig, f"Combinations of the parameters of run {worst}: rank {found[worst].rank} of {n_free}")
    yield items((f"run {name}: {text}" for name, record in found.items() for text in record.open), "bad")


def run_times(survey: Survey) -> Iterator[Block]:
    """Yield what differs between headers and good time intervals, and what could not be compared."""
    record = times([run.run_info for run in survey.datasets if run.run_info is not None])
    yield items((f"run {obs_id}: {text}" for obs_id, text in record.flagged.items()), "bad")
    yield items(f"run {obs_id}: {text}" for obs_id, text in record.unknown.items())
    agree = len(record.obs_id) - len({*record.flagged, *record.unknown})
    yield paragraph(f"The times of {agree} of {len(record.obs_id)} runs agree.")


def _largest(record: RatioSpectrum) -> float:
    return float(np.nanmax(np.abs(record.pull), initial=0))


def _wobble_rows(name: str, record: Wobble) -> Iterator[tuple[object, ...]]:
    tests = {"norm": record.of_norm, "ratio spectrum": record.of_ratio, "gradient": record.of_gradient}
    for what, test in tests.items():
        yield name, what, f"{test.chi2:.1f}", test.dof, f"{test.p_value:.2g}"
