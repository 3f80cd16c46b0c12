"""The grids, what is made on them, and where it is safe, as statements."""

from fovnb.recipe import Cube, EnergyBounds, EnergyEdges, Geometry, SafeMask
from fovnb.steps.expressions import Arg, Assign, Call, Name, Public, Quantity
from fovnb.steps.sky import position

__all__ = ["cube_statements", "new_dataset", "safe_mask_statements"]


def cube_statements(cube: Cube) -> list[Assign]:
    """Return the statements that make the axes, ``geom``, ``stacked`` (empty) and ``maker``."""
    true = [] if cube.energy_true is None else [_axis("energy_axis_true", cube.energy_true, "energy_true")]
    selection = None if cube.selection is None else list(cube.selection)
    maker = Call(Public(".makers", "MapDatasetMaker"), (), (Arg("selection", selection, None),))
    return [
        _axis("energy_axis", cube.energy, None),
        *true,
        Assign("geom", _geom(cube.geometry), "cube"),
        Assign("stacked", new_dataset(cube, "stacked"), "cube"),
        Assign("maker", maker, "cube"),
    ]


def new_dataset(cube: Cube, name: str) -> Call:
    """Return an empty dataset on the grids."""
    true = None if cube.energy_true is None else Name("energy_axis_true")
    args = (
        Arg("energy_axis_true", true, None),
        Arg("binsz_irf", Quantity(cube.binsz_irf_deg, "deg"), Quantity(0.2, "deg")),
        Arg("name", name),
    )
    return Call(Public(".datasets", "MapDataset.create"), (Name("geom"),), args)


def safe_mask_statements(safe_mask: SafeMask) -> list[Assign]:
    """Return the statement that makes ``safe_mask_maker``."""
    args = (
        Arg("methods", list(safe_mask.methods), ["aeff-default"]),
        Arg("offset_max", Quantity(safe_mask.offset_max_deg, "deg"), Quantity(3.0, "deg")),
    )
    return [Assign("safe_mask_maker", Call(Public(".makers", "SafeMaskMaker"), (), args), "safe_mask")]


def _axis(target: str, axis: EnergyBounds | EnergyEdges, name: str | None) -> Assign:
    named = (Arg("name", name, None),)
    if isinstance(axis, EnergyEdges):
        made = Call(Public(".maps", "MapAxis.from_energy_edges"), (Quantity(axis.edges_tev, "TeV"),), named)
    else:
        bounds = (Quantity(axis.min_tev, "TeV"), Quantity(axis.max_tev, "TeV"))
        made = Call(Public(".maps", "MapAxis.from_energy_bounds"), bounds, (Arg("nbin", axis.nbin), *named))
    return Assign(target, made, "cube")


def _geom(geometry: Geometry) -> Call:
    width, height = (Quantity(one, "deg") for one in geometry.width_deg)
    args = (
        Arg("skydir", position(geometry.lon_deg, geometry.lat_deg, geometry.frame)),
        Arg("width", width if width == height else (width, height)),
        Arg("binsz", Quantity(geometry.binsz_deg, "deg")),
        Arg("proj", geometry.proj, "CAR"),
        Arg("frame", geometry.frame, "icrs"),
        Arg("axes", [Name("energy_axis")]),
    )
    return Call(Public(".maps", "WcsGeom.create"), (), args)
