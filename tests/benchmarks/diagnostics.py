"""How long the diagnostics take, and how much memory: ``python -m tests.benchmarks.diagnostics``.

It needs `$GAMMAPY_DATA`, reports and never fails. The 40 real runs are reduced on a map around each pointing, 9 energy
bins from 0.5 to 30 TeV and pixels of 0.02 deg, norm and tilt fitted, and held in memory. Then:

- toys: 300 simulated repetitions of the first run and their fits, the median of five times;
- each diagnostic of all runs, one after the other, and their sum;
- verdicts: all runs put to all tests, with 100 simulated fields each;
- peak memory of this process.
"""

import argparse
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from fovnb.data import DataStore
from fovnb.datasets import MapDataset
from fovnb.diagnostics import alignment, fov_residuals, gradient, radial_profile, significance_histogram, verdicts
from fovnb.diagnostics.identifiability import identifiability
from fovnb.diagnostics.spectrum import ratio_spectrum
from fovnb.diagnostics.times import times
from fovnb.diagnostics.toys import toys
from fovnb.diagnostics.trends import trends
from fovnb.diagnostics.wobble import wobble
from fovnb.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker, reduce_observations
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.modeling.models import PowerLawNormSpectralModel

DATA = "$GAMMAPY_DATA/hess-dl3-dr1"


def reduced_runs() -> list[MapDataset]:
    """Return all runs, reduced and fitted."""
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    makers = [
        MapDatasetMaker(["counts", "background"]),
        SafeMaskMaker(["aeff-default", "offset-max"], offset_max="2 deg"),
        FoVBackgroundMaker(method="fit", spectral_model=model),
    ]
    axis = MapAxis.from_energy_bounds("0.5 TeV", "30 TeV", nbin=9)
    found = []
    for run in DataStore.from_dir(DATA).get_observations():
        geom = WcsGeom.create(skydir=run.pointing.fixed_icrs, width=4.2, binsz=0.02, proj="TAN", axes=[axis])
        found += reduce_observations([run], MapDataset(counts=Map.from_geom(geom)), makers)
    return found


def diagnostics(runs: Sequence[MapDataset]) -> dict[str, Callable[[], Any]]:
    """Return what is asked of all runs, by name."""
    return {
        "significance histograms": lambda: [significance_histogram(run) for run in runs],
        "gradients": lambda: [gradient(run) for run in runs],
        "radial profiles": lambda: [radial_profile(run) for run in runs],
        "ratio spectra": lambda: [ratio_spectrum(run) for run in runs],
        "identifiability": lambda: [identifiability(run) for run in runs],
        "field of view residuals": lambda: fov_residuals(runs),
        "common gradient": lambda: gradient(runs),
        "alignment": lambda: alignment(runs),
        "wobble": lambda: wobble(runs),
        "trends": lambda: trends(runs),
        "times": lambda: times(runs),
    }


def seconds(work: Callable[[], Any]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def line(name: str, value: float, unit: str = "s", goal: str = "") -> None:
    """Print a line of the table."""
    print(f"{name:34}{value:10.3f} {unit}   {goal}".rstrip(), flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time the diagnostics of the 40 real runs.")
    parser.parse_args()
    if "GAMMAPY_DATA" not in os.environ:
        parser.exit(message="Set $GAMMAPY_DATA to the folder that holds hess-dl3-dr1, then run again.\n")
    runs: list[MapDataset] = []
    line("reduce all runs", seconds(lambda: runs.extend(reduced_runs())))
    line("300 toys of one run", statistics.median(seconds(lambda: toys(runs[0])) for _ in range(5)), goal="below 0.1 s")
    found = {name: seconds(work) for name, work in diagnostics(runs).items()}
    for name, value in found.items():
        line(name, value)
    line("all diagnostics", sum(found.values()), goal="below 10 s")
    line("verdicts", seconds(lambda: verdicts(runs)), goal="below 10 s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    line("peak memory", peak, "MB")


if __name__ == "__main__":
    main()
