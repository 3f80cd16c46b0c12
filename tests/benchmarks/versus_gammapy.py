"""How many times faster than Gammapy, side by side: ``python -m tests.benchmarks.versus_gammapy``.

It needs the extra `gammapy`, and `$GAMMAPY_DATA`. It reports and never fails.

Both packages run in one process, their repeats interleaved, and the medians are compared. The analysis is README's
reference script. What is inside each number:

- build: a new observation of a new data store (nothing read yet) to counts, exposure, background, PSF and energy
  dispersion, so reading the file is inside. The target geometry is kept between repeats, as in a loop over runs.
- safe mask, fits and stack: one call of the maker, or of `stack`, on a fresh copy (the copy is not timed).
- whole job: the script, from opening the data store to the stack of two runs, geometry included; warm in this process,
  and as a fresh process, imports included. Peak memory and import are those of fresh processes, started while this one
  is small; the import is without the interpreter's own start.
- 40 runs: all runs of the test data reduced on cutouts of, and stacked into, one map of the whole sky, 0.1 deg a pixel.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOTS = ("fovnb", "gammapy")
TOP = Path(__file__).parents[2]

FRESH_PROCESS = """
import resource, sys, time
start = time.perf_counter()
exec(compile(sys.stdin.read(), "<script>", "exec"), {})
unit = 1024**2 if sys.platform == "darwin" else 1024
print("measured", time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
"""


@dataclass(frozen=True)
class Row:
    """A line of the table: the same thing, done by us and by them."""

    name: str
    ours: float
    theirs: float
    goal: str
    unit: str = "s"

    def __str__(self) -> str:
        ratio = self.ours / self.theirs if self.unit == "MB" else self.theirs / self.ours
        values = "".join(
            f"{value * 1000:13.1f} ms" if self.unit == "s" else f"{value:13.0f} MB" for value in self.times
        )
        return f"{self.name:34}{values}{ratio:10.2f}x   {self.goal}"

    @property
    def times(self) -> tuple[float, float]:
        """Return both numbers."""
        return self.ours, self.theirs


def reference_script(root: str) -> str:
    """Return README's script for one of the packages."""
    script = re.search(r"```python\n(.*?)```", (TOP / "README.md").read_text(), flags=re.DOTALL)
    assert script is not None
    return script.group(1).replace("fovnb.", f"{root}.")


def fresh_process(script: str) -> tuple[float, float]:
    """Run a script in a new interpreter: seconds with the interpreter's own start, and peak memory in MB."""
    start = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-c", FRESH_PROCESS]
    # Compiled modules are kept between runs, as they are for every user.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=True, cwd=TOP, env=environment)
    seconds = time.perf_counter() - start
    return seconds, float(done.stdout.split()[-1])


def interleaved(repeats: int, measure: Callable[[str], Any]) -> list[list[Any]]:
    """Measure both packages in turn; the first of a pair alternates."""
    found: dict[str, list[Any]] = {root: [] for root in ROOTS}
    for repeat in range(repeats):
        for root in ROOTS[:: -1 if repeat % 2 else 1]:
            found[root].append(measure(root))
    return list(found.values())


def fresh_rows(repeats: int) -> list[Row]:
    """Measure whole processes; to be called first, for a child's peak memory starts at its parent's."""
    jobs = interleaved(repeats, lambda root: fresh_process(reference_script(root)))
    imports = interleaved(repeats, lambda root: fresh_process(f"import {root}.makers"))
    bare = statistics.median(fresh_process("")[0] for _ in range(repeats))
    job_times, job_memory = ([[pair[i] for pair in pairs] for pairs in jobs] for i in (0, 1))
    return [
        Row("reference job, fresh process", *map(statistics.median, job_times), goal="5x"),
        Row("peak memory of it", *map(statistics.median, job_memory), goal="at most 0.6x", unit="MB"),
        Row("import makers", *(statistics.median(t for t, _ in pairs) - bare for pairs in imports), goal=""),
    ]


def timed_row(name: str, goal: str, repeats: int, prepare: Callable[[str], Callable[[], Any]]) -> Row:
    """Time what ``prepare(root)`` returns, once untimed and then ``repeats`` times, each prepared anew."""

    def seconds(root: str) -> float:
        work = prepare(root)
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    for root in ROOTS:
        seconds(root)
    return Row(name, *map(statistics.median, interleaved(repeats, seconds)), goal=goal)


def step_rows(repeats: int) -> list[Row]:
    """Measure the steps of the script, one by one."""
    from tests.oracle import both

    setup = both.Setup()
    piecewise = both.Setup(energy=("1 TeV", "10 TeV", 5))  # every bin holds counts: Gammapy's fit converges
    targets = {root: both.empty_dataset(pkg, setup) for root, pkg in both.PACKAGES.items()}

    def build(root: str) -> Callable[[], Any]:
        pkg = both.PACKAGES[root]
        store = pkg.DataStore.from_dir("$GAMMAPY_DATA/hess-dl3-dr1")
        maker = pkg.MapDatasetMaker()
        return lambda: maker.run(targets[root], store.obs(setup.obs_id))

    def safe_mask(root: str) -> Callable[[], Any]:
        maker = both.PACKAGES[root].SafeMaskMaker(methods=["aeff-default", "offset-max"], offset_max=setup.offset_max)
        dataset, obs = both.base_dataset(root, setup).copy(name="run"), both.observation(root, setup.obs_id)
        return lambda: maker.run(dataset, obs)

    def fit(root: str, setup: Any, model: Callable[[Any], Any]) -> Callable[[], Any]:
        pkg = both.PACKAGES[root]
        maker = pkg.FoVBackgroundMaker(
            method="fit", exclusion_mask=both.exclusion_mask(pkg, setup), spectral_model=model(pkg)
        )
        dataset = both.safe_dataset(root, setup).copy(name="run")
        return lambda: maker.run(dataset)

    def stack(root: str) -> Callable[[], Any]:
        stacked = targets[root].copy(name="stack")
        return lambda: stacked.stack(both.reduced(root, setup))

    def job(root: str) -> Callable[[], Any]:
        code = compile(reference_script(root), "<reference script>", "exec")
        return lambda: exec(code, {})

    return [
        timed_row("build one run", "15x", repeats, build),
        timed_row("safe mask", "", repeats, safe_mask),
        timed_row("fit norm and tilt", "100x", repeats, lambda root: fit(root, setup, both.power_law)),
        timed_row(
            "fit 5 piecewise norms",
            "",
            repeats,
            lambda root: fit(root, piecewise, lambda pkg: both.piecewise(pkg, piecewise)),
        ),
        timed_row("stack one run", "", repeats, stack),
        timed_row("reference job, warm", "15x", repeats, job),
    ]


def reduce_all(root: str) -> None:
    """Reduce every run on a cutout of the sky around its pointing, and stack."""
    import astropy.units as u

    from tests.oracle import both

    pkg = both.PACKAGES[root]
    axis = pkg.MapAxis.from_energy_bounds("0.5 TeV", "10 TeV", nbin=5)
    axis_true = pkg.MapAxis.from_energy_bounds("0.3 TeV", "20 TeV", nbin=10, name="energy_true")
    sky = pkg.WcsGeom.create(skydir=(180, 0), binsz=0.1, axes=[axis], width=(360, 180))
    stacked = pkg.MapDataset.create(sky, energy_axis_true=axis_true, binsz_irf=1)
    safe = pkg.SafeMaskMaker(methods=["aeff-default", "offset-max"], offset_max="2.5 deg")
    background = pkg.FoVBackgroundMaker(method="fit", spectral_model=both.power_law(pkg))
    for obs in pkg.DataStore.from_dir("$GAMMAPY_DATA/hess-dl3-dr1").get_observations():
        cutout = stacked.cutout(obs.get_pointing_icrs(obs.tmid), width=5 * u.deg, name=f"obs-{obs.obs_id}")
        stacked.stack(background.run(safe.run(pkg.MapDatasetMaker().run(cutout, obs), obs)))


def survey_row() -> Row:
    """Measure all runs, once."""

    def seconds(root: str) -> float:
        start = time.perf_counter()
        reduce_all(root)
        return time.perf_counter() - start

    return Row("40 runs into one stack", *(seconds(root) for root in ROOTS), goal="12x")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare the speed of fovnb with that of Gammapy.")
    parser.add_argument("--repeats", type=int, default=5, help="repeats of each measurement (default 5)")
    parser.add_argument("--no-survey", action="store_true", help="leave out the 40 runs")
    options = parser.parse_args()
    if "GAMMAPY_DATA" not in os.environ:
        parser.exit(message="Set $GAMMAPY_DATA to the folder that holds hess-dl3-dr1, then run again.\n")

    print(f"{'':34}{'fovnb':>16}{'gammapy':>16}{'ratio':>11}   goal", flush=True)
    for rows in (fresh_rows, step_rows):
        print(*rows(options.repeats), sep="\n", flush=True)
    if not options.no_survey:
        print(survey_row())


if __name__ == "__main__":
    main()
