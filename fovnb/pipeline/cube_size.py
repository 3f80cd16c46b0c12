"""The grids of a recipe's cubes and how much memory these take, before any of them is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from fovnb.datasets.geoms import create_map_dataset_geoms
from fovnb.recipe import Cube
from fovnb.steps import cube_statements, execute
from fovnb.text import Record

__all__ = ["CubeSize", "cube_size", "grids"]

_RUN = {"counts": 4, "exposure": 8, "background": 8, "psf": 8, "edisp": 8}  # bytes of a value
_STACK = dict.fromkeys(_RUN, 4)


@dataclass(frozen=True, repr=False)
class CubeSize(Record):
    """Size of the cubes of a run, and of their sum.

    Parameters
    ----------
    shape, shape_true : tuple of int
        Of counts and background (energy, lat, lon), and of the exposure.
    run_bytes, stack_bytes : int
        All maps of a run, with its safe mask, and of the stack.
    """

    shape: tuple[int, ...]
    shape_true: tuple[int, ...]
    run_bytes: int
    stack_bytes: int

    def total(self, runs: int) -> int:
        """Return the bytes of so many runs and their stack."""
        return runs * self.run_bytes + self.stack_bytes

    def sentence(self, runs: int) -> str:
        """Return the size as a person reads it.

        Examples
        --------
        >>> cube_size(Cube()).sentence(2)
        '5 x 250 x 250 pixels and 20 true energies take 21.4 MB a run, 54.2 MB for 2 runs and their stack'
        """
        grid = f"{' x '.join(map(str, self.shape))} pixels and {self.shape_true[0]} true energies"
        whole = f"{_size(self.total(runs))} for {runs} run{'s' * (runs != 1)} and their stack"
        return f"{grid} take {_size(self.run_bytes)} a run, {whole}"

    def _rows(self) -> dict[str, object]:
        return {"shape": self.shape, "a run": _size(self.run_bytes), "stack": _size(self.stack_bytes)}


def cube_size(cube: Cube) -> CubeSize:
    """Return how much memory the cubes of a recipe take; no map is made.

    Examples
    --------
    >>> cube_size(Cube()).run_bytes
    21362500
    """
    names = grids(cube)
    geoms = create_map_dataset_geoms(names["geom"], names.get("energy_axis_true"), binsz_irf=cube.binsz_irf_deg)
    pixels, exposure = prod(geoms.geom.data_shape), prod(geoms.geom_exposure.data_shape)
    beside = prod(geoms.geom_edisp.data_shape) // geoms.geom.data_shape[0]  # exposure on the pixels of the responses
    psf, edisp = (prod(geom.data_shape) + beside for geom in (geoms.geom_psf, geoms.geom_edisp))
    values = {"counts": pixels, "exposure": exposure, "background": pixels, "psf": psf, "edisp": edisp}
    made: tuple[str, ...] = cube.selection or tuple(values)
    return CubeSize(
        shape=geoms.geom.data_shape,
        shape_true=geoms.geom_exposure.data_shape,
        run_bytes=sum(_RUN[name] * values[name] for name in made) + pixels,
        stack_bytes=sum(_STACK[name] * values[name] for name in values) + pixels,
    )


def grids(cube: Cube) -> Mapping[str, Any]:
    """Return ``energy_axis``, ``energy_axis_true`` if it has its own bins, and ``geom``, by these names.

    Examples
    --------
    >>> grids(Cube())["geom"].data_shape
    (5, 250, 250)
    """
    return execute([one for one in cube_statements(cube) if one.target not in ("stacked", "maker")])


def _size(n_bytes: int) -> str:
    """Return bytes as MB or GB."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.3g} MB"
