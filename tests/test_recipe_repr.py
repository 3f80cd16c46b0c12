"""How a recipe prints: as the call that makes it, and as a table of labels and units."""

import fovnb.recipe
from fovnb.recipe import Background, Circle, Data, Parameter, PowerLawNorm, Recipe, SafeMask


def test_only_what_is_not_default_is_shown() -> None:
    assert repr(Recipe()) == "Recipe()"
    recipe = Recipe(data=Data(obs_ids=[2, 1]), background=Background(norm=PowerLawNorm(tilt=Parameter(0, frozen=True))))
    assert repr(recipe) == (
        "Recipe(data=Data(obs_ids=(1, 2)), "
        "background=Background(norm=PowerLawNorm(tilt=Parameter(value=0.0, frozen=True))))"
    )


def test_the_call_gives_an_equal_recipe_with_the_public_names_alone() -> None:
    recipe = Recipe().edit_step("exclusion", regions=[Circle(1, 2, 0.1 + 0.2, name="'\"\n\\{}</script>é")])
    names: dict[str, object] = {}
    exec("from fovnb.recipe import *", names)
    assert eval(repr(recipe), names) == recipe
    assert set(fovnb.recipe.__all__) <= names.keys()


def test_the_table_has_labels_units_and_escaped_text() -> None:
    recipe = Recipe(data=Data(folder="<b>", obs_ids=[1, 2])).edit_step(
        "exclusion", regions=[Circle(1, 2, 3, name="<i>")]
    )
    html = recipe._repr_html_()
    assert '<tr><th colspan="2">safe mask: SafeMask</th></tr>' in html
    assert "<tr><th>safe mask, largest offset</th><td>2.5 deg</td></tr>" in html
    assert "<tr><th>data, folder</th><td>&lt;b&gt;</td></tr>" in html
    assert "<tr><th>data, OBS_IDs</th><td>1, 2</td></tr>" in html
    assert "<tr><th>data, selection</th><td>not set</td></tr>" in html
    assert "name=&#x27;&lt;i&gt;&#x27;" in html
    assert "<b>" not in html
    assert "<i>" not in html


def test_a_step_is_shown_alone_too() -> None:
    assert SafeMask()._repr_html_().startswith("<table><caption>SafeMask</caption><tr><th>methods</th>")
    assert "<td>none</td>" in SafeMask(methods=[])._repr_html_()
