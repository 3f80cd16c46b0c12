"""A recipe that runs in half a second, and what its outputs are compared by."""

import re

from fovnb.__main__ import main
from fovnb.commands.folder import HIDDEN
from fovnb.recipe import Recipe

__all__ = ["RECIPE", "files", "interrupt", "recipe_file", "small"]

RECIPE = """
schema: 2
cube:
  energy: {kind: bounds, min_tev: 0.5, max_tev: 10.0, nbin: 2}
  energy_true: {kind: bounds, min_tev: 0.3, max_tev: 20.0, nbin: 4}
  geometry: {width_deg: [2.0, 2.0], binsz_deg: 0.1}
  binsz_irf_deg: 0.5
exclusion:
  regions:
  - {kind: circle, lon_deg: 83.6333, lat_deg: 22.0145, radius_deg: 0.4, name: source}
"""


def recipe_file(folder, recipe=None):
    path = folder / "my recipe.yaml"
    path.write_text(RECIPE if recipe is None else recipe.to_yaml(), encoding="utf-8")
    return str(path)


def small(**steps):
    recipe = Recipe.from_yaml(RECIPE)
    for step, values in steps.items():
        recipe = recipe.edit_step(step, **values)
    return recipe


def files(folder):
    """Return the content of all files below a folder by their names, without the line with the date."""
    content = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: re.sub(rb"\A# Saved [^\n]*\n", b"", text) for name, text in content.items()}


def interrupt(monkeypatch, path, out, *arguments):
    """Run until all cubes are made and the outputs are being written, and stop there."""

    def stop(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("fovnb.commands.outputs.save_code", stop)
        assert main(["run", path, "--out", str(out), *arguments]) == 130
    assert [found.name for found in out.iterdir()] == [HIDDEN]
    assert len(list(out.rglob("*.cube"))) == 2
