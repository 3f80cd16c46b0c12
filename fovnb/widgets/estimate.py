"""How long a changed recipe will take, from what its steps took before."""

from fovnb.pipeline import Results
from fovnb.pipeline.times import Timings
from fovnb.recipe import Recipe
from fovnb.recipe.recipe import STEPS

__all__ = ["Estimate"]

# Stages of the pipeline in their order, and the first one that each step of a recipe changes.
_STAGES = ("data", "grid", "cube", "safe mask", "exclusion", "sums", "background", "stack")
_FIRST = dict(zip(STEPS, ("data", "grid", "safe mask", "exclusion", "background", "stack"), strict=True))
_COLD_S = 0.4  # of a stage's first time may be imports, and what others remember from then on


class Estimate:
    """Remembers how long one value of each stage took when it was last computed [s], and how many there were."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._number: dict[str, int] = {}

    def learn(self, timings: Timings) -> None:
        """Remember the stages that were computed."""
        for stage in _STAGES:
            found = timings[stage]
            if found.computed:
                cold = 0.0 if stage in self._seconds else _COLD_S
                self._seconds[stage] = max(found.seconds - cold, 0.0) / found.computed
            if found.computed + found.remembered:
                self._number[stage] = found.computed + found.remembered

    def seconds(self, results: Results | None, recipe: Recipe) -> float:
        """Return how long a recipe will take after some results, infinite if nothing is known."""
        if results is None:
            return float("inf")
        changed = [name for name in STEPS if getattr(results.recipe, name) != getattr(recipe, name)]
        if not changed:
            return 0.0
        share = _share(results.recipe, recipe) if changed[0] == "data" else 1.0
        stages = _STAGES[_STAGES.index(_FIRST[changed[0]]) :]
        return share * sum(self._seconds.get(stage, 0.0) * self._number.get(stage, 1) for stage in stages)


def _share(before: Recipe, after: Recipe) -> float:
    """Return which part of the runs is new; all of them where only the index knows."""
    old, new = before.data, after.data
    if old.obs_ids is None or new.obs_ids is None or old.edit(obs_ids=None) != new.edit(obs_ids=None):
        return 1.0
    return len(set(new.obs_ids) - set(old.obs_ids)) / len(old.obs_ids) if old.obs_ids else 1.0
