"""Energy axes said in the other way: two bounds and a number of bins, or the edges themselves."""

import numpy as np

from fovnb.recipe.cube import EnergyBounds, EnergyEdges

__all__ = ["as_bounds", "as_edges"]


def as_edges(axis: EnergyBounds | EnergyEdges) -> EnergyEdges:
    """Return an axis by its edges, those of bounds rounded to four digits.

    Raises
    ------
    RecipeError
        If edges are too near to each other to be told apart by four digits.

    Examples
    --------
    >>> as_edges(EnergyBounds(0.5, 10, 2))
    EnergyEdges(edges_tev=(0.5, 2.236, 10.0))
    """
    if isinstance(axis, EnergyEdges):
        return axis
    inner = [float(f"{edge:.4g}") for edge in np.geomspace(axis.min_tev, axis.max_tev, axis.nbin + 1)[1:-1]]
    return EnergyEdges((axis.min_tev, *inner, axis.max_tev))


def as_bounds(axis: EnergyBounds | EnergyEdges) -> EnergyBounds:
    """Return the axis with as many logarithmic bins between the outermost edges.

    Examples
    --------
    >>> as_bounds(EnergyEdges((0.5, 1, 10)))
    EnergyBounds(nbin=2)
    """
    if isinstance(axis, EnergyBounds):
        return axis
    return EnergyBounds(axis.edges_tev[0], axis.edges_tev[-1], axis.n_bins)
