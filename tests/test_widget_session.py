"""The session: one state, tabs that are made when they are seen, recipe files, a folder of everything or nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fovnb.codegen import to_code
from fovnb.commands.export import export
from fovnb.commands.folder import OUTPUTS
from fovnb.errors import DataError, InvalidInputError, RecipeError
from fovnb.pipeline import run
from fovnb.recipe import Data, Recipe, Selection
from fovnb.report.sections import SECTIONS
from fovnb.report.survey import Survey
from fovnb.widgets.session import FovSession
from fovnb.widgets.session_pages import DiagnosticsPage
from tests.full_disk import no_file_above
from tests.pipelines import assert_equal
from tests.small_recipe import files, small

TITLES = ["Cube", "Mask", "Background", "Diagnostics", "Stack", "Ledger", "Code"]


@pytest.fixture
def session() -> Iterator[FovSession]:
    made = FovSession(small())
    yield made
    made.close()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("exported")
    export(run(small()), folder)
    return files(folder)


def said(session: FovSession) -> tuple[str, str]:
    assert session.files.wait(60)
    return session.files.said.get("kind", ""), session.files.said.get("text", "")


def made(page: DiagnosticsPage) -> set[str]:
    """Return the titles of the sections that show the present recipe."""
    return {title for title, view in page.views.items() if view.recipe and not view.stale}


def test_one_state_for_all_and_its_code_gives_its_results(session: FovSession) -> None:
    builder, mask, fitter = (session.turn(title) for title in TITLES[:3])
    assert builder.state is mask.state is fitter.state is session.state
    builder.state.edit("safe_mask.offset_max_deg", 1.5)
    assert mask.recipe == fitter.recipe == small(safe_mask={"offset_max_deg": 1.5})
    names: dict[str, Any] = {}
    exec(compile(session.code(), "<code>", "exec"), names)
    assert_equal(names["stacked"], session.result.stacked)
    session.undo()
    assert fitter.recipe == small()
    assert repr(session) == f"FovSession(recipe {session.state.digest})"


def test_tabs_are_made_when_they_are_first_seen(session: FovSession) -> None:
    assert (list(session.tabs.titles), list(session.pages)) == (TITLES, ["Cube"])
    ledger = session.turn("Ledger")
    assert (session.seen, list(session.pages)) == ("Ledger", ["Cube", "Ledger"])
    session.turn("Cube")
    assert session.turn("Ledger") is ledger
    with pytest.raises(InvalidInputError, match=r"no tab 'Legder' \(did you mean 'Ledger'\?\); choose from Cube, Mask"):
        session.turn("Legder")


def test_fields_are_those_of_the_recipe() -> None:
    session = FovSession(small(), offset_max_deg=1.5, demo_runs=3)
    assert session.recipe == small(safe_mask={"offset_max_deg": 1.5}, data={"demo_runs": 3})
    session.close()
    with pytest.raises(RecipeError, match="offset_max_deg"):
        FovSession(offset_max=2)


def test_the_ledger_and_the_code_follow_while_they_are_seen(session: FovSession) -> None:
    session.result  # noqa: B018 - it computes
    ledger, panel = session.turn("Ledger"), session.turn("Code").panel
    table = ledger.table
    assert table.ids == [1, 2]
    session.state.edit("data", Data(demo_runs=3))
    results = session.result
    assert panel.wait(10)
    assert (panel.text, table.ids) == (to_code(session.recipe, results=results), [1, 2])
    session.turn("Ledger")
    assert [row["counts"] for row in table.rows] == results.ledger["counts"].tolist()
    assert (len(table.ids), ledger.note.text) == (3, results.ledger.title)
    session.state.edit("data", Data(demo_runs=2))
    session.result  # noqa: B018
    assert panel.wait(10)
    assert panel.stale


def test_the_diagnostics_say_what_the_report_says(session: FovSession) -> None:
    survey = Survey(tuple(session.result.datasets))
    page = session.turn("Diagnostics")
    for title, view in page.views.items():
        view.looked_at = title in ("Verdict", "Radial profile")
    assert session.state.wait(60)
    assert "Run ledger" not in page.views
    assert made(page) == {"Verdict", "Radial profile"}
    lines = {block["text"] for block in page.views["Verdict"].blocks if block["type"] == "Paragraph"}
    assert f"All runs together: {survey.verdicts.all_runs.sentence}" in lines
    _, picture = page.views["Radial profile"].blocks
    assert picture["content"].startswith(b"\x89PNG")
    (section,) = (one for one in SECTIONS if one.title == "Radial profile")
    assert f'alt="{picture["alt"]}"' in section.render(survey)

    page.views["Verdict"].looked_at = False
    page.views["Times"].looked_at = True
    session.state.edit("safe_mask.offset_max_deg", 0.9)
    session.result  # noqa: B018 - it computes
    assert page.views["Verdict"].stale
    assert session.state.wait(60)
    assert made(page) == {"Radial profile", "Times"}


def test_hidden_diagnostics_are_not_made(session: FovSession, monkeypatch: pytest.MonkeyPatch) -> None:
    page = session.turn("Diagnostics")
    session.turn("Cube")
    session.state.wait(20)
    asked: list[str] = []
    monkeypatch.setattr("fovnb.report.sections.Section.blocks", lambda self, _: asked.append(self.title) or [])
    session.state.edit("safe_mask.offset_max_deg", 0.9)
    session.result  # noqa: B018
    assert session.state.wait(20)
    assert asked == []
    session.turn("Diagnostics")
    assert session.state.wait(20)
    assert set(asked) == {title for title, view in page.views.items() if view.looked_at}


# Recipe files


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_the_recipe_goes_into_a_file_and_comes_back(session: FovSession, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"my recipe.{suffix}"
    session.files.recipe = str(path)
    session.files.click("save")
    assert said(session) == ("good", f"wrote {path}")
    assert Recipe.read(path) == small()
    session.state.edit("safe_mask.offset_max_deg", 1.5)
    session.files.click("load")
    assert said(session) == ("good", f"read {path}: 1 value changed; Undo takes it back")
    assert session.recipe == small()
    session.undo()
    assert session.recipe.safe_mask.offset_max_deg == 1.5


def test_a_recipe_file_is_replaced_only_when_asked(session: FovSession, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("mine")
    session.files.recipe = str(path)
    session.files.click("save")
    assert said(session) == ("ask", "recipe.yaml exists; replace it?")
    session.files.click("keep")
    assert (said(session), path.read_text()) == (("", ""), "mine")
    session.files.click("save")
    assert said(session)[0] == "ask"
    session.files.click("replace")
    assert said(session)[0] == "good"
    assert Recipe.read(path) == small()


@pytest.mark.parametrize(
    ("name", "sentence"), [("gone.yaml", "does not exist|cannot be read"), ("recipe.txt", "recipe.txt"), ("", "yaml")]
)
def test_what_is_no_recipe_is_said_and_changes_nothing(
    session: FovSession, tmp_path: Path, name: str, sentence: str
) -> None:
    session.files.recipe = str(tmp_path / name) if name else ""
    session.files.click("load")
    kind, text = said(session)
    assert kind == "bad"
    assert any(word in text for word in sentence.split("|"))
    assert "Traceback" in session.files.said["detail"]
    assert session.recipe == small()


# Export


def test_everything_is_exported_as_the_command_does(
    session: FovSession, tmp_path: Path, exported: dict[str, bytes]
) -> None:
    out = tmp_path / "new" / "out"
    session.files.folder = str(out)
    session.files.click("export")
    assert said(session) == ("good", f"wrote {', '.join(OUTPUTS)} into {out}")
    assert sorted(path.name for path in out.iterdir()) == sorted(OUTPUTS)
    assert files(out) == exported


def test_an_export_replaces_only_when_asked_and_leaves_other_files(
    session: FovSession, tmp_path: Path, exported: dict[str, bytes]
) -> None:
    mine = {"report.html": b"mine", "notes.txt": b"mine"}
    for name, content in mine.items():
        (tmp_path / name).write_bytes(content)
    session.files.folder = str(tmp_path)
    session.files.with_report = False
    session.files.click("export")
    assert said(session) == ("ask", f"{tmp_path} holds report.html; replace what is there?")
    assert files(tmp_path) == mine
    session.files.click("replace")
    assert said(session)[0] == "good"
    assert files(tmp_path) == {name: text for name, text in exported.items() if name != "report.html"} | {
        "notes.txt": b"mine"
    }


def test_an_export_that_fails_leaves_nothing(
    session: FovSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        msg = "the disk is full; make room"
        raise DataError(msg)

    monkeypatch.setattr("fovnb.commands.outputs.save_code", fail)
    session.files.folder = str(tmp_path / "out")
    session.files.with_report = False
    session.files.click("export")
    assert said(session) == ("bad", "the disk is full; make room")
    assert list(tmp_path.iterdir()) == []


def test_the_engine_refuses_what_exists_and_what_is_nothing(tmp_path: Path) -> None:
    results = run(small())
    (tmp_path / "ledger.ecsv").write_text("mine")
    with pytest.raises(DataError, match=r"ledger\.ecsv exists; pass overwrite=True"):
        export(results, tmp_path)
    with pytest.raises(InvalidInputError, match="an empty text"):
        export(results, "")
    nobody = run(small(data={"selection": Selection(target="nobody")}))
    with pytest.raises(InvalidInputError, match="there is no run"):
        export(nobody, tmp_path / "new")
    assert files(tmp_path) == {"ledger.ecsv": b"mine"}


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    results = run(small())
    with no_file_above(20_000), pytest.raises(DataError, match="write"):
        export(results, tmp_path / "out", with_report=False)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_session_is_closed_with_all_in_it() -> None:
    session = FovSession(small())
    for title in TITLES:
        session.turn(title)
    panel = session.turn("Code").panel
    session.close()
    session.close()
    session.files.click("export")
    panel.click("verify")
    assert (said(session), panel.said.get("text", "")) == (("", ""), "")
    assert panel.comm is None
    assert session.comm is None
