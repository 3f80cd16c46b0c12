"""A small recipe of simulated runs, for the tests of the text for Gammapy."""

from typing import Any

from fovnb.recipe import Circle, Cube, EnergyBounds, Exclusion, Geometry, Recipe

__all__ = ["SMALL", "with_background"]

SMALL = Recipe(
    cube=Cube(
        energy=EnergyBounds(0.5, 5.0, 4),
        energy_true=EnergyBounds(0.3, 10.0, 6),
        geometry=Geometry(width_deg=(5.0, 5.0), binsz_deg=0.1),
        binsz_irf_deg=0.5,
    ),
    exclusion=Exclusion((Circle(83.6333, 22.0145, 0.3, name="source"),)),
)


def with_background(recipe: Recipe, **values: Any) -> Recipe:
    """Return the recipe with other values in its background."""
    return recipe.edit_step("background", **values)
