"""How fast a changed value becomes a result: ``python -m tests.benchmarks.live``.

It needs `$GAMMAPY_DATA`, reports and never fails. Each line is the median time of a whole `Pipeline.run` of the
reference recipe, two runs on 5 x 250 x 250 pixels, after one value changed to one that was not there before; what is
remembered from before stays, as in a notebook; and the same with a look at datasets, stack and ledger, which are put
together when they are first asked for.

- norm parameter: the value of a frozen tilt, with the norm fitted;
- frozen flag: the tilt is freed or frozen, with another start of the norm;
- refit: another norm model or another prior;
- exclusion, safe mask, energy: a region moved, another largest offset, other energy bins;
- one more run: an OBS_ID added to the list; first pass: everything, from an empty memory, files included.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

from fovnb.pipeline import Pipeline
from fovnb.recipe import (
    Background,
    Circle,
    Cube,
    Data,
    EnergyBounds,
    Exclusion,
    Geometry,
    Parameter,
    PiecewiseNorm,
    PowerLawNorm,
    Prior,
    Recipe,
)

REFERENCE = Recipe(
    data=Data("$GAMMAPY_DATA/hess-dl3-dr1", obs_ids=(23559, 23592)),
    cube=Cube(geometry=Geometry(83.63, 22.01)),
    exclusion=Exclusion((Circle(83.63, 22.01, 0.2),)),
)


def norm(i: int) -> Recipe:
    """Return another frozen tilt."""
    return REFERENCE.edit(background=Background(norm=PowerLawNorm(tilt=Parameter(0.001 + 0.01 * i, frozen=True))))


def flag(i: int) -> Recipe:
    """Return the tilt frozen or free."""
    tilt = Parameter(0.0, frozen=bool(i % 2))
    return REFERENCE.edit(background=Background(norm=PowerLawNorm(Parameter(1.001 + 0.001 * i), tilt)))


def refit(i: int) -> Recipe:
    """Return another model or prior."""
    if i % 2:
        return REFERENCE.edit(background=Background(norm=PiecewiseNorm((0.6 + 0.01 * i, 2.0, 6.0))))
    prior = Prior(0.0, 0.1 + 0.01 * i)
    return REFERENCE.edit(background=Background(norm=PowerLawNorm(tilt=Parameter(0.0, prior=prior))))


def exclusion(i: int) -> Recipe:
    """Return the region moved."""
    return REFERENCE.edit_step("exclusion", regions=[Circle(83.63 + 0.01 * (i + 1), 22.01, 0.2)])


def safe_mask(i: int) -> Recipe:
    """Return another largest offset."""
    return REFERENCE.edit_step("safe_mask", offset_max_deg=2.45 - 0.01 * i)


def energy(i: int) -> Recipe:
    """Return other energy bins."""
    return REFERENCE.edit_step("cube", energy=EnergyBounds(0.51 + 0.01 * i, 10.0, 5))


CHANGES: dict[str, tuple[Callable[[int], Recipe], float]] = {
    "norm parameter": (norm, 3),
    "frozen flag": (flag, 3),
    "refit": (refit, 10),
    "exclusion region moved": (exclusion, 40),
    "safe mask": (safe_mask, 60),
    "energy binning": (energy, 250),
}


def milliseconds(pipeline: Pipeline, recipe: Recipe, look: bool = False) -> float:
    """Return how long a whole run takes, and a look at all of its results if that is asked for."""
    start = time.perf_counter()
    results = pipeline.run(recipe)
    if look:
        _ = results.datasets, results.stacked, results.ledger
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time the live flow on two real runs.")
    parser.add_argument("--repeats", type=int, default=21, metavar="N", help="repeats of each line (default: 21)")
    repeats = parser.parse_args().repeats
    if "GAMMAPY_DATA" not in os.environ:
        parser.exit(message="Set $GAMMAPY_DATA to the folder that holds hess-dl3-dr1, then run again.\n")
    milliseconds(Pipeline(), REFERENCE)  # what is imported late is not timed
    pipeline = Pipeline()
    print(f"{'first pass':26}{milliseconds(pipeline, REFERENCE):8.1f} ms")
    more = REFERENCE.edit_step("data", obs_ids=[23523, 23559, 23592])
    print(f"{'one more run':26}{milliseconds(pipeline, more):8.1f} ms")
    for name, (change, goal) in CHANGES.items():
        times = [milliseconds(pipeline, change(i)) for i in range(repeats)]
        looks = [milliseconds(pipeline, change(i + repeats), look=True) for i in range(repeats)]
        run, look = statistics.median(times), statistics.median(looks)
        print(
            f"{name:26}{run:8.1f} ms   min {min(times):6.1f}   goal {goal:3g}",
            f"  with a look at all {look:6.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
