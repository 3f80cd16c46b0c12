"""What else the mask editor offers: suggestions to tick, repetition with its history, the mask's size, files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fovnb.diagnostics import mask_scan
from fovnb.makers import ExclusionMask
from fovnb.recipe import Catalogue, Circle, Ellipse, Exclusion, Suggestion
from fovnb.steps.areas import as_mask, regions_of
from fovnb.widgets.mask import MaskEditor
from tests.pipelines import CIRCLE, RECIPE
from tests.test_widget_mask import assert_code_gives_the_same

PAGES = ("numbers", "suggestions", "iteration", "scan", "files")
TABLE = "name,ra,dec,sigma,Vmag\nnear <b>,83.2,22.3,0.2,4.0\nfaint,83.9,21.8,0.01,9.0\nfar,10.0,22.0,0.2,1.0\n"


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MaskEditor]:
    """Return an editor without regions on simulated runs, in a folder of its own with a catalogue."""
    monkeypatch.chdir(tmp_path)
    Path("cat.csv").write_text(TABLE)
    made = MaskEditor(RECIPE.edit_step("exclusion", regions=()), sky="picture")
    assert made.result.recipe == made.recipe
    yield made
    made.close()


def exclusion(editor: MaskEditor) -> Exclusion:
    """Return what the recipe leaves out."""
    found: Exclusion = editor.recipe.exclusion
    return found


def show(editor: MaskEditor, page: str) -> Any:
    """Show a page, and return it."""
    editor.tabs.selected_index = PAGES.index(page)
    return getattr(editor, page)


def test_suggestions_of_the_data_are_rows_to_tick(editor: MaskEditor) -> None:
    panel = show(editor, "suggestions")
    panel.form.click("find")
    expected = ExclusionMask.suggest(editor.result.stacked, circles=True)
    assert [row["name"] for row in panel.table.rows] == list(expected.names)
    assert len(exclusion(editor).regions) == 0
    panel.tools.click("add")
    assert (panel.note.text, panel.note.tone) == ("Tick the regions to add.", "warning")
    panel.table.select([0])
    panel.tools.click("add")
    [region] = exclusion(editor).regions
    assert (region.kind, region.origin, region.name) == ("circle", "suggested", "suggested 1")
    assert region == regions_of(expected)[0][0]
    assert panel.table.selected == []
    assert_code_gives_the_same(editor)


def test_thresholds_matter_and_impossible_ones_are_said_under_the_field(editor: MaskEditor) -> None:
    panel = show(editor, "suggestions")
    panel.form.set("high", 900.0)
    panel.form.click("find")
    assert (panel.table.rows, panel.note.text) == ([], "Nothing found.")
    panel.form.set("high", -1)
    assert panel.form.errors["high"]["text"].startswith("Suggestion.high is -1; expected a number above 0")
    panel.form.click("find")
    assert panel.note.text == "Correct the marked values first."
    panel.form.set("high", 2.0)
    assert panel.form.errors == {}
    panel.form.click("find")
    assert panel.note.tone == "error"
    assert "high=2.0, low=3.0" in panel.note.text


def test_sources_of_a_catalogue_and_its_bright_stars(editor: MaskEditor) -> None:
    panel = show(editor, "suggestions")
    panel.form.set("source", "catalogue")
    assert panel.form.hidden["high"]
    panel.form.set("file", "cat.csv")
    panel.form.set("extension", "sigma")
    panel.form.click("find")
    rows = [(row["name"], row["radius_deg"], row["origin"]) for row in panel.table.rows]
    assert rows == [("near <b>", 0.4, "file cat.csv"), ("faint", 0.3, "file cat.csv")]
    panel.form.set("source", "stars")
    panel.form.set("mag_max", 5.0)
    panel.form.click("find")
    assert [row["name"] for row in panel.table.rows] == ["near <b>"]
    panel.tools.click("all")
    panel.tools.click("add")
    assert exclusion(editor).regions == (Circle(83.2, 22.3, 0.3, name="near <b>", origin="stars"),)
    assert_code_gives_the_same(editor)


def test_a_catalogue_that_is_not_there_is_a_sentence(editor: MaskEditor) -> None:
    panel = show(editor, "suggestions")
    panel.form.set("source", "catalogue")
    panel.form.set("file", "no.csv")
    panel.form.click("find")
    assert panel.note.tone == "error"
    assert panel.note.text.startswith("no.csv does not exist")


def test_repetition_shows_its_history_and_becomes_regions(editor: MaskEditor) -> None:
    panel = show(editor, "iteration")
    assert panel.form.hidden["exclusion.suggestion.high"]
    panel.form.set("on", True)
    assert exclusion(editor).suggestion == Suggestion()
    history = editor.result.history
    assert history is not None
    assert panel.note.text == f"{history.status}: {history.reason}"
    assert [row["step"] for row in panel.table.rows] == list(range(1, len(history.steps) + 1))
    np.testing.assert_allclose([row["obs-1"] for row in panel.table.rows], history.norms[:, 0])
    panel.form.set("exclusion.suggestion.high", 6.0)
    assert editor.result.recipe.exclusion.suggestion == Suggestion(high=6.0)
    assert_code_gives_the_same(editor)
    panel.tools.click("adopt")
    assert exclusion(editor).suggestion is None
    assert {one.origin for one in exclusion(editor).regions} == {"suggested"}
    assert not panel.form.values["on"]
    assert_code_gives_the_same(editor)
    editor.undo()
    editor.undo()
    assert exclusion(editor).suggestion == Suggestion(high=6.0)


def test_the_scan_of_the_size_of_the_mask(editor: MaskEditor) -> None:
    panel = show(editor, "scan")
    editor.state.wait()
    assert panel.plot.picture.alt.startswith("no mask to grow")
    editor.recipe = RECIPE.edit_step("exclusion", regions=(CIRCLE,))
    assert editor.result.recipe == editor.recipe
    editor.state.wait()
    verdict = mask_scan(editor.result.datasets).verdict
    assert panel.plot.picture.recipe == editor.state.digest
    assert verdict in panel.plot.picture.alt
    before = panel.plot.picture.png
    panel.form.set("kind", "tilt")
    assert panel.plot.picture.png != before
    assert not panel.plot.picture.stale


@pytest.mark.parametrize("name", ["a.reg", "a.crtf", "a.fits"])
def test_files_there_and_back(editor: MaskEditor, name: str) -> None:
    areas = (
        CIRCLE.edit(name="<img src=x onerror=alert(1)>"),
        Ellipse(84.2, 21.4, 0.6, 0.3, 20.0, name="oval é", origin="file b.reg"),
    )
    editor.recipe = RECIPE.edit_step("exclusion", regions=(*areas, CIRCLE.edit(name="idle", active=False)))
    assert editor.result.recipe == editor.recipe
    panel = show(editor, "files")
    panel.tools.set("path", name)
    panel.tools.click("write")
    assert (panel.note.text, panel.note.tone) == ("2 areas written.", "good")
    panel.tools.click("write")
    assert panel.note.tone == "error"
    assert "exists" in panel.note.text
    panel.tools.set("overwrite", True)
    panel.tools.click("write")
    assert panel.note.tone == "good"
    editor.list.tools.click("clear")
    panel.tools.click("read")
    assert panel.note.text == "2 regions added."
    assert exclusion(editor).regions == areas
    assert_code_gives_the_same(editor)


def test_what_is_no_region_in_a_file_is_named(editor: MaskEditor) -> None:
    geom = editor.result.datasets[0].geom.to_image()
    circle = ExclusionMask("icrs; circle(83.63, 22.01, 0.3) # text={Crab}")
    circle.add(circle.to_map(geom), ["image"]).write("mixed.fits", geom)
    circle.to_map(geom).write("mask.fits")
    panel = show(editor, "files")
    panel.tools.set("path", "mixed.fits")
    panel.tools.click("read")
    assert panel.note.text.startswith("1 region added. 1 left out: 'image' (it is a Mask, which a recipe has no region")
    panel.tools.set("path", "mask.fits")
    panel.tools.click("read")
    assert panel.note.tone == "error"
    assert len(exclusion(editor).regions) == 1
    panel.tools.set("path", "no.reg")
    panel.tools.click("read")
    assert panel.note.text.startswith("no.reg does not exist")


def test_files_that_are_used_as_they_are(editor: MaskEditor) -> None:
    geom = editor.result.datasets[0].geom
    panel = show(editor, "files")
    panel.form.set("catalogue", "cat.csv")
    assert exclusion(editor).catalogue == Catalogue("cat.csv")
    panel.form.set("exclusion.catalogue.radius_deg", 0.2)
    expected = ExclusionMask([*as_mask(exclusion(editor), geom)]).to_map(geom)
    found = editor.result.exclusion_mask
    assert found is not None
    np.testing.assert_array_equal(found.data, expected.data)
    assert_code_gives_the_same(editor)
    ExclusionMask("icrs; circle(83.63, 22.01, 0.3) # text={Crab}").write("crab.reg")
    panel.form.set("exclusion.file", "crab.reg")
    panel.form.set("catalogue", "")
    assert exclusion(editor).catalogue is None
    assert_code_gives_the_same(editor)


def test_a_file_of_the_recipe_that_is_not_there_is_said_under_its_field(editor: MaskEditor) -> None:
    before = editor.result
    panel = show(editor, "files")
    panel.form.set("catalogue", "/etc/cat.csv")
    assert "expected a path that begins with" in panel.form.errors["catalogue"]["text"]
    panel.form.set("exclusion.file", "no.reg")
    editor.state.update()
    editor.state.wait()
    assert editor.state.status.phase == "failed"
    assert panel.form.errors["exclusion.file"]["text"].startswith("no.reg does not exist")
    assert editor.state.results is before
    assert editor.sky.plot.picture.stale
