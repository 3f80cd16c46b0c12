"""A report stands on its own: the verdicts first, nothing loaded from elsewhere, every text from a file escaped."""

import base64
import re
from dataclasses import replace

import numpy as np
import pytest

from fovnb.datasets import fov_lonlat
from fovnb.diagnostics.wobble import group_pointings
from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.makers import ExclusionMask
from fovnb.maps import Map, MapAxis
from fovnb.modeling.background_record import BackgroundFit
from fovnb.report import Report, report
from fovnb.report.folder import Reduction
from fovnb.report.sections import SECTIONS, Section
from fovnb.report.survey import Survey, n_in_fields, with_mask
from tests.datasets import make_geom, make_run
from tests.report_runs import fitted, make_pointed_run

EVIL = "<script>alert('Crab')</script>"
MASK = ExclusionMask("icrs; circle(83.63, 22.01, 0.3)")


def failed_run():
    geom = make_geom(width=3)
    empty = Map.from_geom(geom, dtype=bool)
    fit = BackgroundFit("obs-9", "none", "unreadable", f"the file {EVIL} is cut off")
    return make_pointed_run(9).replace(counts=None, background=None, mask_safe=empty, background_fit=fit)


@pytest.fixture(scope="module")
def runs():
    pointed = [make_pointed_run(i, dec_deg=22.01 + 0.3 * (-1) ** i, target=EVIL) for i in (1, 2)]
    return [*(fitted(run, exclusion_mask=MASK) for run in pointed), failed_run()]


@pytest.fixture(scope="module")
def made(runs) -> Report:
    return report(runs, title=f"Report {EVIL}", notes=[EVIL])


def section(html: str, title: str) -> str:
    """Return what stands between a heading and the next."""
    return html.split(f">{title}</h2>")[1].split("<h2")[0]


def render(title: str, *runs) -> str:
    """Return one section of a report."""
    (found,) = (one for one in SECTIONS if one.title == title)
    return found.render(Survey(runs))


def test_the_page_needs_nothing_but_itself(made):
    assert made.html.startswith("<!DOCTYPE html>")
    assert "<script" not in made.html
    assert "<link" not in made.html
    assert "@import" not in made.html
    assert "url(" not in made.html
    targets = re.findall(r'(?:src|href)="([^"]*)"', made.html)
    assert all(target.startswith(("data:image/", "#s")) for target in targets)
    assert len(made.html) < 1_000_000


def test_every_picture_has_words_and_is_a_picture(made):
    tags = re.findall(r"<img [^>]*>", made.html)
    assert len(tags) == made.html.count("<img") > 10
    for tag in tags:
        alt, kind, content = re.fullmatch(
            r'<img alt="([^"]{20,})" src="data:image/(png|webp);base64,([^"]+)">', tag
        ).groups()
        assert "\n" not in alt
        start = base64.b64decode(content)[:4]
        assert start == {"png": b"\x89PNG", "webp": b"RIFF"}[kind]


def test_all_sections_are_made_in_order(made):
    titles = re.findall(r'<h2 id="s\d+">([^<]*)</h2>', made.html)
    assert titles == [one.title for one in SECTIONS]
    assert titles[0] == "Verdict"
    assert "cannot be made" not in made.html
    assert "failed:" not in made.html


def test_the_verdict_of_each_run_comes_first_and_bad_ones_before_sound_ones(made):
    top = section(made.html, "Verdict")
    names = re.findall(r"<td>(obs-\d)</td>", top)
    assert names == ["obs-9", "obs-1", "obs-2"]
    assert '<tr class="bad"><td>obs-9</td><td>unreadable: the file &lt;script&gt;' in top
    assert made.lines[0].startswith("obs-1: sound: nothing odd in")
    assert made.lines[2] == f"obs-9: unreadable: the file {EVIL} is cut off"
    assert made.lines[3].startswith("all runs together: sound")


def test_a_failed_run_is_a_row_of_the_ledger(made):
    assert made.ledger["status"].tolist() == ["ok", "ok", "unreadable"]
    assert made.ledger.title in made.html
    assert "the file &lt;script&gt;" in section(made.html, "Run ledger")


def test_texts_from_files_are_escaped(made):
    assert made.html.count("&lt;script&gt;alert(&#x27;Crab&#x27;)") > 5
    assert EVIL not in made._repr_html_()
    assert made._repr_html_().startswith("<table>")
    assert "obs-9" not in re.search(r"odd runs.*", repr(made)).group()


def test_numbers_in_the_page_are_those_of_the_runs(made, runs):
    norms = [
        dict(zip(run.background_fit.parameter_names, run.background_fit.values, strict=True))["norm"]
        for run in runs[:2]
    ]
    for norm in norms:
        assert f"<td>{norm:.4g}</td>" in section(made.html, "Run ledger")
    assert "The times of 3 of 3 runs agree." in section(made.html, "Times")
    assert "of 2 pointings" in section(made.html, "Wobble consistency")


def test_an_odd_run_is_named_with_its_evidence():
    html = render("Verdict", *(fitted(make_pointed_run(i, gx=0.3 * (i == 2))) for i in (1, 2)))
    assert re.findall(r'<tr( class="bad")?><td>(obs-\d)</td>', html) == [(' class="bad"', "obs-2"), ("", "obs-1")]
    assert re.search(r"<td>odd in \d of \d tests: gradient 0.[23]\d+ ± 0.0\d+ /deg towards -?\d+ deg", html)


def test_what_cannot_be_made_says_why():
    run = fitted(make_pointed_run(zenith_deg=np.nan, azimuth_deg=np.nan, geolon_deg=np.nan))
    field = render("Field of view", run)
    assert "ALTAZ: dataset &#x27;obs-1&#x27; does not know where the zenith was" in field
    assert 'alt="Residuals in RADEC-aligned' in field
    assert "cannot be made: no exclusion mask is known" in render("Mask scan", run)
    assert "cannot be made: each of 1 targets has one pointing only" in render("Wobble consistency", run)


def test_a_stack_without_pointing_has_spectra_and_maps():
    stack = make_run("stack")
    assert "has no pointing of its own" in render("Field of view", stack)
    assert "<img" in render("Ratio spectra", stack)
    assert "<img" in render("Residual maps", stack)


def test_warnings_are_said_in_their_section():
    with pytest.warns(FovnbWarning, match="leaves little of the background"):
        run = fitted(make_pointed_run(), exclusion_mask=ExclusionMask("icrs; circle(83.63, 22.01, 1.6)"))
    html = render("Background left by the mask", run)
    assert '<li class="doubt">obs-1: the exclusion mask leaves less than 30%' in html
    assert html.count("<li") == 1


def test_runs_that_all_failed_give_a_page_with_their_reasons():
    made = report(failed_run())
    assert "<img" not in made.html
    assert "none of 1 runs has counts and background" in section(made.html, "Residual maps")
    assert made.lines[0].startswith("obs-9: unreadable")


def test_a_given_mask_is_used_in_place_of_the_fits_own(runs):
    (other,) = with_mask(runs[:1], ExclusionMask("icrs; circle(83.63, 22.01, 0.6)"))
    inside = other.geom.region_mask("icrs; circle(83.63, 22.01, 0.6)")
    np.testing.assert_array_equal(other.mask_exclusion.data, ~inside.data)
    assert runs[0].mask_exclusion.data.sum() > other.mask_exclusion.data.sum()
    assert with_mask(runs, None)[0] is runs[0]
    assert "<img" in render("Mask scan", other)


def test_the_report_takes_the_mask(runs):
    whole = failed_run()
    assert with_mask([whole], MASK)[0].mask_exclusion.data.sum() < whole.mask_safe.data.size
    with pytest.raises(InvalidInputError, match="exclusion mask is a str"):
        report(runs, exclusion_mask="crab.reg")


def test_a_mask_that_touches_no_run_is_said_once(runs):
    far = ExclusionMask("icrs; circle(10, 10, 0.5)")
    with pytest.warns(FovnbWarning, match="no area of the exclusion mask lies in the fields") as caught:
        masked = with_mask([*runs, make_run("obs-5", make_geom(skydir=(120, 10)))], far)
    assert len(caught) == 1
    assert all(run.mask_exclusion.data.all() for run in masked)
    both = [runs[0], make_run("obs-5", make_geom(skydir=(10, 10)))]
    assert [bool(run.mask_exclusion.data.all()) for run in with_mask(both, far)] == [True, False]
    assert n_in_fields(far, both) == 1


def test_one_note_is_one_sentence():
    made = report(failed_run(), notes="one <note>")
    assert "<ul><li>one &lt;note&gt;</li></ul>" in made.html
    assert not made.usable


def test_a_run_without_background_costs_no_other_section(runs, made):
    bare = make_pointed_run(7).replace(background=None)
    whole = report([*runs, bare])
    assert "This section" not in whole.html
    assert whole.html.count("<img") == made.html.count("<img")
    assert any(re.match("obs-7: .*lacks counts or background", line) for line in whole.lines)


def test_runs_of_other_energy_bins_cost_only_the_sections_that_need_the_same(runs):
    coarse = runs[1].geom.to_image().to_cube([MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    parts = {name: Map.from_geom(coarse) for name in ("counts", "background")}
    other = runs[1].replace(**parts, mask_safe=Map.from_geom(coarse, dtype=bool), mask_exclusion=None)
    other.counts.data[...], other.background.data[...], other.mask_safe.data[...] = 7, 7, True
    html = report([runs[0], fitted(other, exclusion_mask=MASK)]).html
    assert "This section failed" not in html
    unmade = [one.title for one in SECTIONS if "This section cannot be made" in section(html, one.title)]
    assert unmade == ["Ratio spectra", "Wobble consistency"]
    assert re.search(r"obs-2 has another energy axis .*than obs-1", section(html, "Ratio spectra"))


def test_a_mirrored_background_is_named():
    run = make_pointed_run(1)
    x, y = fov_lonlat(run)
    run.background.data *= 1 + 0.4 * x
    run.counts.data[...] = np.random.default_rng(1).poisson(8 * (1 - 0.4 * y), run.counts.data.shape)
    html = render("Alignment", fitted(run))
    assert "The counts agree better with another orientation of the background: axes swapped and both flipped." in html


def test_runs_are_grouped_by_their_maps():
    elsewhere = make_run("obs-5", make_geom(skydir=(10, 10)))
    survey = Survey((make_pointed_run(1, target="Crab"), elsewhere, make_pointed_run(2, target="Crab"), failed_run()))
    assert {name: [run.name for run in runs] for name, runs in survey.groups.items()} == {
        "1: Crab": ["obs-1", "obs-2"],
        "2: obs-5": ["obs-5"],
    }


def test_a_section_that_fails_costs_no_other():
    def broken(_):
        yield "begun"
        msg = "index <3>"
        raise IndexError(msg)

    html = Section("Broken", "A bug.", "this.", broken).render(Survey(()))
    assert "This section failed: IndexError: index &lt;3&gt;" in html


def test_the_page_is_written_whole_and_replaces_nothing_unasked(tmp_path):
    path = tmp_path / "new" / "report.html"
    made = report(failed_run(), path)
    assert path.read_text(encoding="utf-8") == made.html
    for again in (lambda: report(failed_run(), path), lambda: made.write(path)):
        with pytest.raises(DataError, match="exists; pass overwrite=True"):
            again()
    replace(made, html="other").write(path, overwrite=True)
    assert path.read_text() == "other"
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_nothing_to_report_on_is_refused():
    with pytest.raises(InvalidInputError, match="no datasets to report on"):
        report([])


def test_the_same_runs_give_the_same_sections(runs, made):
    for title in ("Verdict", "Significances outside the mask", "Ratio spectra"):
        assert render(title, *runs) in made.html


def test_pointings_are_grouped_across_zero_and_unknown_ones_stand_alone():
    pointings = np.array([[359.5, 10], [0.5, 10], [np.nan, np.nan], [180, 10], [0.2, 89.5], [180.2, 89.5], [np.nan, 0]])
    assert group_pointings(pointings, 2) == [[0, 1], [2], [3], [4, 5], [6]]
    assert group_pointings(pointings[:2], 0.5) == [[0], [1]]


def test_a_map_holds_the_fields_of_its_group():
    how = Reduction(offset_max_deg=1.0, binsz_deg=0.1)
    pointings = np.array([[359.5, 60], [1.5, 60], [0.5, 60.5]])
    geom = how.reference(pointings).geom
    for lon, lat in pointings:
        offset = geom.sky.offset_deg(lon, lat)
        assert np.min([offset[0].min(), offset[-1].min(), offset[:, 0].min(), offset[:, -1].min()]) > 1
    assert geom.center_skydir.ra.deg == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "wrong", [{"emin_tev": -1}, {"nbin": 0}, {"binsz_deg": np.nan}, {"emin_tev": 3, "emax_tev": 2}]
)
def test_a_reduction_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InvalidInputError, match="expected a"):
        Reduction(**wrong)
