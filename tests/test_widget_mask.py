"""The mask editor without a browser: regions by table, form and clicks; what they do to the fits; code that says it."""

import base64
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import ipywidgets as w
import numpy as np
import pytest

from fovnb.errors import FovnbWarning, InvalidInputError, RecipeError
from fovnb.recipe import Circle, Ellipse, Exclusion, Polygon, Recipe, Rectangle
from fovnb.widgets.mask import MaskEditor
from tests.pipelines import CIRCLE, RECIPE, assert_equal

BOX = Rectangle(84.2, 21.4, 0.6, 0.4, 20.0, name="<img src=x onerror=alert(1)>")
PLACE = "exclusion.regions.0"


@pytest.fixture
def editor() -> Iterator[MaskEditor]:
    """Return an editor of two regions on simulated runs, with its results."""
    made = MaskEditor(RECIPE.edit_step("exclusion", regions=(CIRCLE, BOX)), sky="picture")
    assert made.result.recipe == made.recipe
    yield made
    made.close()


def regions(editor: MaskEditor) -> tuple[Any, ...]:
    found: tuple[Any, ...] = editor.recipe.exclusion.regions
    return found


def n_excluded(editor: MaskEditor) -> int:
    mask = editor.result.exclusion_mask
    return 0 if mask is None else int((~mask.data[0]).sum())


def assert_code_gives_the_same(editor: MaskEditor) -> None:
    """Run the exported code, and compare all that it makes with the result."""
    names: dict[str, Any] = {}
    exec(compile(editor.code(), "code", "exec"), names)
    for found, expected in zip(names["datasets"], editor.result.datasets, strict=True):
        assert_equal(found, expected)
    assert_equal(names["stacked"], editor.result.stacked)


def test_the_table_shows_the_regions_of_the_recipe(editor: MaskEditor) -> None:
    rows = editor.table.rows
    assert [(row["name"], row["kind"], row["active"]) for row in rows] == [
        ("source", "circle", True),
        (BOX.name, "rectangle", True),
    ]
    assert [(row["size_0"], row["size_1"]) for row in rows] == [(0.3, None), (0.6, 0.4)]
    assert editor.table.current == 0
    assert f"{PLACE}.radius_deg" in editor.form.paths


def test_cells_of_the_table_edit_the_recipe_and_its_results(editor: MaskEditor) -> None:
    before = n_excluded(editor)
    for column, value in {"name": "Crab", "lon_deg": 83.5, "lat_deg": 22.1, "size_0": 0.5}.items():
        editor.table.edit(0, column, value)
    assert regions(editor)[0] == Circle(83.5, 22.1, 0.5, name="Crab")
    assert n_excluded(editor) > before
    editor.table.edit(0, "active", False)
    assert n_excluded(editor) < before
    assert editor.table.rows[0]["class"] == "muted"
    assert editor.table.rows[0]["note"] == "not in use"
    assert_code_gives_the_same(editor)


def test_an_ellipse_is_a_circle_edited_in_the_table(editor: MaskEditor) -> None:
    editor.table.edit(0, "kind", "ellipse")
    editor.table.edit(0, "size_1", 0.3)
    assert regions(editor)[0] == Ellipse(CIRCLE.lon_deg, CIRCLE.lat_deg, 0.6, 0.3, name="source")
    editor.form.set(f"{PLACE}.angle_deg", 45)
    assert regions(editor)[0].angle_deg == 45
    assert_code_gives_the_same(editor)


def test_the_second_size_of_a_circle_means_nothing(editor: MaskEditor) -> None:
    editor.table.edit(0, "size_1", 0.3)
    assert regions(editor)[0] == CIRCLE


def test_a_polygon_is_moved_as_a_whole_by_its_centre(editor: MaskEditor) -> None:
    editor.recipe = RECIPE.edit_step("exclusion", regions=(Polygon((83.0, 84.0, 83.5), (21.5, 21.5, 22.5)),))
    row = editor.table.rows[0]
    assert row["lon_deg"] == pytest.approx(83.5, abs=1e-3)
    assert row["size_0"] is None
    editor.table.edit(0, "lat_deg", row["lat_deg"] + 0.25)
    np.testing.assert_allclose(regions(editor)[0].lat_deg, (21.75, 21.75, 22.75), atol=2e-3)
    assert editor.table.rows[0]["lat_deg"] == pytest.approx(row["lat_deg"] + 0.25, abs=2e-6)


def test_add_copy_delete_and_delete_all_can_be_undone(editor: MaskEditor) -> None:
    tools = editor.list.tools
    tools.set("kind", "annulus")
    tools.click("add")
    where = RECIPE.cube.geometry
    new = regions(editor)[2]
    assert (new.kind, new.name, new.lon_deg, new.lat_deg) == ("annulus", "annulus", where.lon_deg, where.lat_deg)
    assert editor.table.current == 2
    tools.click("copy")
    assert regions(editor)[3] == new.edit(name="annulus 2")
    editor.table.act(0, "delete")
    assert [one.name for one in regions(editor)] == [BOX.name, "annulus", "annulus 2"]
    tools.click("clear")
    assert regions(editor) == ()
    assert editor.table.rows == []
    assert editor.form.paths == []
    assert editor.result.exclusion_mask is None
    for n in (3, 4, 3, 2):
        editor.undo()
        assert len(regions(editor)) == n
    assert regions(editor) == (CIRCLE, BOX)
    editor.redo()
    assert len(regions(editor)) == 3
    editor.reset()
    assert regions(editor) == (CIRCLE, BOX)
    assert_code_gives_the_same(editor)


def test_the_form_is_that_of_the_region_that_is_looked_at(editor: MaskEditor) -> None:
    editor.table.go(1)
    assert [path.rpartition(".")[2] for path in editor.form.paths] == [
        "lon_deg",
        "lat_deg",
        "width_deg",
        "height_deg",
        "angle_deg",
        "frame",
    ]
    editor.form.set("exclusion.regions.1.width_deg", 0.9)
    assert regions(editor)[1].width_deg == 0.9 == editor.table.rows[1]["size_0"]
    editor.table.act(1, "delete")
    assert editor.table.current == 0
    assert f"{PLACE}.radius_deg" in editor.form.paths


@pytest.mark.parametrize(
    ("column", "value", "field", "sentence"),
    [
        ("size_0", -1, "radius_deg", "Circle.radius_deg is -1; expected a number above 0"),
        ("lat_deg", 95, "lat_deg", "Circle.lat_deg is 95; expected a number of at least -90"),
        ("lon_deg", None, "lon_deg", "Circle.lon_deg is None; expected a number"),
    ],
)
def test_an_impossible_value_is_said_in_its_cell_and_under_its_field(
    editor: MaskEditor, column: str, value: Any, field: str, sentence: str
) -> None:
    before = editor.result
    editor.table.edit(0, column, value)
    assert regions(editor)[0] == CIRCLE
    assert editor.result is before
    [error] = editor.table.errors
    assert (error["id"], error["column"]) == (0, column)
    assert error["text"].startswith(sentence)
    assert editor.form.errors[f"{PLACE}.{field}"]["text"] == error["text"]
    editor.table.edit(0, column, 0.5)
    assert editor.table.errors == []
    assert editor.form.errors == {}


def test_an_impossible_place_of_a_polygon_is_said_in_its_cell(editor: MaskEditor) -> None:
    polygon = Polygon((83.0, 84.0, 83.5), (21.5, 21.5, 22.5), name="triangle")
    editor.recipe = RECIPE.edit_step("exclusion", regions=(polygon,))
    editor.table.edit(0, "lat_deg", 95.0)
    assert regions(editor) == (polygon,)
    [error] = editor.table.errors
    assert error["column"] == "lat_deg"
    assert "95" in error["text"]


def test_a_region_beside_the_map_is_marked(editor: MaskEditor) -> None:
    editor.table.edit(1, "lon_deg", 100.0)
    assert editor.result.recipe == editor.recipe
    assert [row["class"] for row in editor.table.rows] == ["", "muted"]
    assert editor.table.rows[1]["note"] == "it lies outside of the map and excludes nothing"


def test_names_stay_text(editor: MaskEditor) -> None:
    assert editor.table.rows[1]["name"] == BOX.name
    editor.table.go(1)
    assert editor.sky.plot.picture.png.startswith(b"\x89PNG")
    assert_code_gives_the_same(editor)


def test_norms_and_background_follow_the_mask(editor: MaskEditor) -> None:
    numbers = editor.numbers
    before = numbers.table.rows[0]["norm"], numbers.norms.picture.recipe, numbers.note.text
    editor.table.edit(0, "size_0", 0.05)  # the source is no longer left out
    ledger = editor.result.ledger
    assert numbers.table.rows[0]["norm"] == f"{ledger['norm'][0]:.3f} ± {ledger['norm_err'][0]:.3f}" != before[0]
    assert numbers.norms.picture.recipe == numbers.fraction.picture.recipe == editor.state.digest != before[1]
    n = n_excluded(editor)
    assert f"{n / 1600:.2%} of the map ({n} of 1600 pixels)" in numbers.note.text
    assert editor.sky.plot.picture.recipe == editor.state.digest
    editor.list.tools.click("clear")
    assert editor.result.exclusion_mask is None
    assert numbers.note.text.startswith("Nothing is left out of the background fit.")


def wide(editor: MaskEditor) -> bool:
    """Leave out nearly everything; return whether the results are those of that mask."""
    editor.table.edit(0, "size_0", 1.9)
    return editor.result.recipe == editor.recipe


def test_too_little_background_is_a_warning(editor: MaskEditor) -> None:
    with pytest.warns(FovnbWarning, match="leaves little of the background"):
        assert wide(editor)
    assert editor.numbers.note.tone == "warning"
    assert "leaves less than 30%" in editor.numbers.note.text


def test_pictures_are_stale_while_the_results_belong_to_an_older_recipe(
    editor: MaskEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fovnb.widgets.state.AT_ONCE_S", -1.0)
    editor.table.edit(0, "size_0", 0.4)
    pictures = editor.sky.plot.picture, editor.numbers.norms.picture, editor.numbers.fraction.picture
    assert [one.stale for one in pictures] == [True] * 3
    assert editor.state.status.phase == "waiting"
    assert editor.result.recipe == editor.recipe
    assert [one.stale for one in pictures] == [False] * 3


def place_on(editor: MaskEditor, lon_deg: float, lat_deg: float) -> None:
    """Click the pixel of a position in our own picture."""
    from astropy.coordinates import SkyCoord

    geom = editor.result.datasets[0].geom.to_image()
    x, y = geom.coord_to_pix(SkyCoord([lon_deg], [lat_deg], unit="deg"))
    editor.sky.plot.picture.click(*_fractions(editor, float(x[0]), float(y[0])))


def _fractions(editor: MaskEditor, x: float, y: float) -> tuple[float, float]:
    """Return where a pixel is in the picture, found from two places of it."""
    canvas = editor.sky.plot._canvas
    low, middle = canvas.place(0.4, 0.6), canvas.place(0.5, 0.5)
    assert low is not None
    assert middle is not None
    (a, b), (c, d) = low, middle
    return 0.4 + 0.1 * (x - a) / (c - a), 0.6 - 0.1 * (y - b) / (d - b)


def test_clicks_choose_add_and_move(editor: MaskEditor) -> None:
    place_on(editor, BOX.lon_deg, BOX.lat_deg)
    assert editor.table.current == 1
    place_on(editor, 82.5, 23.0)
    assert editor.table.current == 1
    assert editor.sky.note.text.startswith("There is no region at that place")
    editor.sky.form.set("click", "add")
    place_on(editor, 82.5, 23.0)
    assert editor.sky.note.text == ""
    new = regions(editor)[2]
    assert (new.lon_deg, new.lat_deg, new.radius_deg) == pytest.approx((82.5, 23.0, 0.3), abs=1e-3)
    assert editor.table.current == 2
    editor.sky.form.set("click", "move")
    place_on(editor, 82.8, 22.7)
    assert (regions(editor)[2].lon_deg, regions(editor)[2].lat_deg) == pytest.approx((82.8, 22.7), abs=1e-3)
    editor.list.tools.click("clear")
    assert editor.result.exclusion_mask is None
    place_on(editor, 82.8, 22.7)
    assert editor.sky.note.text.startswith("There is no region to move")


@pytest.mark.parametrize("name", ["counts", "significance", "excess"])
def test_the_map_below_the_regions_can_be_chosen(editor: MaskEditor, name: str) -> None:
    before = editor.sky.plot.picture.png
    editor.sky.form.set("map", name)
    assert editor.sky.plot.picture.alt.lower().startswith(name)
    assert (editor.sky.plot.picture.png == before) == (name == "counts")


def test_it_is_a_picture_where_nothing_is_live(editor: MaskEditor) -> None:
    bundle = editor._repr_mimebundle_()
    png = base64.b64decode(bundle["image/png"])
    assert png == editor.sky.plot.picture.png
    assert editor.state.digest.encode() in png
    assert repr(editor) == f"MaskEditor(recipe {editor.state.digest})"
    assert "text/html" not in bundle


def test_a_recipe_restores_it(editor: MaskEditor) -> None:
    editor.table.edit(0, "size_0", 0.44)
    other = MaskEditor(eval(repr(editor.recipe), vars(__import__("fovnb.recipe", fromlist=["*"]))), sky="picture")
    assert other.table.rows[0]["size_0"] == 0.44
    assert other.recipe == editor.recipe
    other.close()


def test_fields_by_name_and_widgets_upstream() -> None:
    first = MaskEditor(RECIPE, sky="picture", regions=())
    second = MaskEditor(first, sky="picture", regions=(CIRCLE,))
    assert second.state is first.state
    assert first.table.ids == [0]
    second.close()
    first.table.edit(0, "size_0", 0.2)
    assert first.result.recipe.exclusion == Exclusion((CIRCLE.edit(radius_deg=0.2),))
    first.close()
    with pytest.raises(RecipeError, match=r"there is no field 'region' \(did you mean 'regions'\?\)"):
        MaskEditor(RECIPE, region=())
    with pytest.raises(InvalidInputError, match=r"sky is 'moon', which is none of 'aladin', 'plain', 'picture'"):
        MaskEditor(RECIPE, sky="moon")  # type: ignore[arg-type]


def test_a_group_of_runs_without_data_says_so_and_lives() -> None:
    editor = MaskEditor(Recipe().edit_step("data", folder="~/no-such-folder-of-runs"), sky="picture")
    editor.state.wait()
    assert editor.state.status.phase == "failed"
    assert editor.picture() is None
    editor.list.tools.click("add")
    assert len(regions(editor)) == 1
    editor.close()


def test_closing_frees_everything() -> None:
    models = len(w.Widget._instances) if hasattr(w.Widget, "_instances") else None
    state = None
    for _ in range(2):
        editor = MaskEditor(RECIPE.edit_step("exclusion", regions=(CIRCLE,)), sky="picture")
        assert editor.result is not None
        editor.list.tools.click("add")
        state = weakref.ref(editor.state)
        gone = [weakref.ref(part) for part in (editor, editor.sky, editor.list, editor.numbers, editor.regions)]
        editor.close()
        editor.close()
        del editor
        gc.collect()
        assert [one() for one in gone] == [None] * 5
    assert state is not None
    assert state() is None
    assert models is None or len(w.Widget._instances) == models
