"""The recipe said as code gives what the pipeline gives, to the last bit, for recipes drawn over the whole schema.

The code runs in a process of its own. What cannot be done is refused by both with the same sentence. The examples are
the same each time; ``FOVNB_EXAMPLES=5000 pytest tests/test_codegen_roundtrip.py`` draws as many new ones.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fovnb.codegen import to_code
from fovnb.codegen.snapshot import snapshot
from fovnb.codegen.verify import check_snapshots
from fovnb.datasets import MapDataset
from fovnb.errors import FovnbError
from fovnb.makers import reduce_observations
from fovnb.pipeline import Pipeline
from fovnb.recipe import Circle, Data, Exclusion, Gradient, Recipe
from fovnb.steps import (
    background_statements,
    cube_statements,
    data_statements,
    evaluate,
    exclusion_statements,
    execute,
    fov_bkg_maker,
    group_statement,
    new_dataset,
    safe_mask_statements,
    suggestion_statements,
)
from tests.isolated import Isolated, isolated
from tests.reduced_recipes import small_recipes, write_data

N_EXAMPLES = int(os.environ.get("FOVNB_EXAMPLES", "0"))

pytestmark = pytest.mark.filterwarnings("ignore")  # odd recipes warn, and so do astropy and numpy


def drawn(quick: int) -> settings:
    """Return how many recipes to draw: always the same ones, or new ones where the environment asks for many."""
    return settings(
        max_examples=N_EXAMPLES or quick,
        derandomize=not N_EXAMPLES,
        phases=[Phase.generate, *[Phase.shrink] * bool(N_EXAMPLES)],  # a smaller recipe takes minutes to find
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module", autouse=True)
def _data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let ``$FOVNB_DATA`` name the folder of the files that the recipes use."""
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVNB_DATA", str(folder))
        yield


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Isolated]:
    with isolated(warm=to_code(warm_recipe())) as found:
        yield found


def warm_recipe() -> Recipe:
    """Return one that needs most of what astropy reads once: tables of the Earth's rotation, frames, formats."""
    recipe = Recipe(Data(demo_runs=1), exclusion=Exclusion([Circle(184.6, -5.8, 0.3, frame="galactic")]))
    return recipe.edit_step("background", gradient=Gradient(alignment="ALTAZ"))


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@dataclass(frozen=True)
class Refused:
    """What could not be done, and why."""

    kind: str
    message: str


def outcome(make: Callable[[], Any]) -> Any:
    """Return what is made, or why it cannot be."""
    try:
        return make()
    except FovnbError as error:
        return Refused(type(error).__name__, portable_words(str(error)))


def portable_words(message: str) -> str:
    """Return a message with the data folder by its variable: the pipeline tells no folder of this machine."""
    return message.replace(os.environ["FOVNB_DATA"], "$FOVNB_DATA").replace("${FOVNB_DATA}", "$FOVNB_DATA")


def arrays_of(found: Any) -> Any:
    return found if isinstance(found, Refused) else snapshot(found.datasets, found.stacked)


def is_plain(found: Any) -> bool:
    """Return whether there are runs and each could be made: then the code is the plain loop, whatever came of them."""
    return isinstance(found, Refused) or (
        len(found.datasets) > 0 and all(one.counts is not None for one in found.datasets)
    )


def compare(recipe: Recipe, interpreter: Isolated, pipeline: Pipeline, options: dict[str, bool]) -> str:
    """Run a recipe both ways, at the same time, demand the same, and return the code."""
    text = outcome(lambda: to_code(recipe, **options))
    if isinstance(text, Refused):
        assert outcome(lambda: pipeline.run(recipe)) == text
        return ""
    interpreter.start(text)
    try:
        found = outcome(lambda: pipeline.run(recipe))
    finally:
        said = outcome(interpreter.result)
    if isinstance(found, Refused):
        assert isinstance(said, Refused), f"the pipeline refuses the recipe, {found}, and the code runs"
        assert said.message.endswith(f"{found.kind}: {found.message}")
        return text
    if not is_plain(found):
        text = to_code(recipe, results=found, **options)
        said = interpreter.run(text)
    assert not isinstance(said, Refused), said.message
    check_snapshots(arrays_of(found), said, "fovnb")
    return text


def reference(recipe: Recipe) -> tuple[list[MapDataset], MapDataset]:
    """Return the runs and their stack, by the recipe's statements in their order: no memory, no short cut."""
    alone = recipe.exclusion.suggestion is None and recipe.background.group is None
    names = execute([*data_statements(recipe.data), *cube_statements(recipe.cube)])
    names = execute([*safe_mask_statements(recipe.safe_mask), *exclusion_statements(recipe.exclusion)], names)
    made = background_statements(recipe.background, "exclusion_mask" in names)
    needed = alone or recipe.exclusion.suggestion is not None
    names = execute(made if needed else made[:-1], names)
    makers = [names[name] for name in ("maker", "safe_mask_maker", *["fov_bkg_maker"] * alone)]
    runs = list(reduce_observations(names["observations"], names["stacked"], makers))
    usable = [one for one in runs if one.counts is not None]
    if not alone and usable:
        fitted = {one.name: one for one in fitted_later(recipe, {**names, "datasets": usable})}
        runs = [fitted.get(one.name, one) for one in runs]
    return runs, stacked(recipe, {**names, "datasets": runs})


def fitted_later(recipe: Recipe, names: dict[str, Any]) -> list[MapDataset]:
    """Return the runs after what is done when all are there: suggested areas, and fits of all together."""
    suggestion, group = recipe.exclusion.suggestion, recipe.background.group
    if suggestion is not None:
        names = execute(suggestion_statements(suggestion), names)
        names = execute([fov_bkg_maker(recipe.background, masked=True)], names)
    if group is not None:
        return list(execute([group_statement(group, "exclusion_mask" in names)], names)["datasets"])
    return [names["fov_bkg_maker"].run(one) for one in names["datasets"]]


def stacked(recipe: Recipe, names: dict[str, Any]) -> MapDataset:
    """Return the sum of the runs, or of blocks of them."""
    found, runs = names["stacked"], names["datasets"]
    for start in range(0, len(runs), recipe.stack.block or 1):
        if recipe.stack.block is None:
            found.stack(runs[start])
            continue
        block = evaluate(new_dataset(recipe.cube, "block"), names)
        for one in runs[start : start + recipe.stack.block]:
            block.stack(one)
        found.stack(block)
    return found


@drawn(300)
@given(recipe=small_recipes(), full=st.booleans(), as_function=st.booleans())
def test_the_code_gives_what_the_pipeline_gives(
    recipe: Recipe, full: bool, as_function: bool, interpreter: Isolated, pipeline: Pipeline
) -> None:
    ast.parse(compare(recipe, interpreter, pipeline, {"full": full, "as_function": as_function}))


@drawn(40)
@given(recipe=small_recipes())
def test_the_pipeline_gives_what_the_steps_give_in_their_order(recipe: Recipe, pipeline: Pipeline) -> None:
    found, slow = outcome(lambda: pipeline.run(recipe)), outcome(lambda: reference(recipe))
    if isinstance(found, Refused) or isinstance(slow, Refused):
        assert found == slow
    else:
        check_snapshots(snapshot(*slow), arrays_of(found), "fovnb")


def test_every_text_is_as_ruff_would_have_it(tmp_path: Path) -> None:
    texts: list[str] = []

    @drawn(60)
    @given(recipe=small_recipes(), full=st.booleans(), as_function=st.booleans())
    def write(recipe: Recipe, full: bool, as_function: bool) -> None:
        text = outcome(lambda: to_code(recipe, full=full, as_function=as_function))
        texts.extend([] if isinstance(text, Refused) else [text])

    write()
    assert len(texts) > 10
    for number, text in enumerate(texts):
        (tmp_path / f"text_{number}.py").write_text(text, encoding="utf-8")
    for command in (["check", "--select", "E4,E7,E9,F,I,W,UP,B,PIE,RUF100"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "--target-version", "py311"]
        done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
