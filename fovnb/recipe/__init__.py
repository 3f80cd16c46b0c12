"""The recipe: what an analysis does, as frozen steps of plain values; see `Recipe`."""

from fovnb.recipe.background import Background, Gradient, Group, Stack
from fovnb.recipe.cube import Cube, EnergyBounds, EnergyEdges, Geometry, SafeMask
from fovnb.recipe.data import Cone, Data, Selection
from fovnb.recipe.exclusion import Catalogue, Exclusion, Suggestion
from fovnb.recipe.fields import FieldInfo, field_info, fields_of
from fovnb.recipe.norms import (
    ExpCutoffNorm,
    LogParabolaNorm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    PowerLawNorm,
    Prior,
    ProductNorm,
    TemplateNorm,
)
from fovnb.recipe.recipe import STEPS, Recipe
from fovnb.recipe.regions import Annulus, Circle, Ellipse, Polygon, Rectangle

__all__ = [
    "STEPS",
    "Annulus",
    "Background",
    "Catalogue",
    "Circle",
    "Cone",
    "Cube",
    "Data",
    "Ellipse",
    "EnergyBounds",
    "EnergyEdges",
    "Exclusion",
    "ExpCutoffNorm",
    "FieldInfo",
    "Geometry",
    "Gradient",
    "Group",
    "LogParabolaNorm",
    "Parameter",
    "PiecewiseNorm",
    "PiecewisePowerLawNorm",
    "Polygon",
    "PowerLawNorm",
    "Prior",
    "ProductNorm",
    "Recipe",
    "Rectangle",
    "SafeMask",
    "Selection",
    "Stack",
    "Suggestion",
    "TemplateNorm",
    "field_info",
    "fields_of",
]
