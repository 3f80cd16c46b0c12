"""Which runs are read, as statements."""

from collections.abc import Iterator

from fovnb.recipe import Cone, Data, Selection
from fovnb.steps.expressions import Arg, Assign, Call, Item, Method, Name, Operation, Public, Quantity
from fovnb.steps.sky import position

__all__ = ["data_statements"]

_TABLE = Name("obs_table")


def data_statements(data: Data) -> list[Assign]:
    """Return the statements that make ``data_store`` and ``observations``, in the order of their OBS_IDs."""
    path = data.folder if data.folder is not None else _demo(data)
    store = Call(Public(".data", "DataStore.from_dir"), (path,))
    chosen = list(_selection(data)) if data.selection is not None else []
    runs = Method(Name("data_store"), "get_observations", (_obs_ids(data),))
    return [Assign("data_store", store, "data"), *chosen, Assign("observations", runs, "data")]


def _demo(data: Data) -> Call:
    return Call(Public(".demo", "make_demo"), (), (Arg("runs", data.demo_runs, 2),))


def _obs_ids(data: Data) -> object:
    """Return the OBS_IDs, sorted, or the expression that says which they are."""
    if data.selection is not None:
        return _sorted(Item(_TABLE, "OBS_ID"))
    return _sorted(Name("data_store.obs_ids")) if data.obs_ids is None else list(data.obs_ids)


def _sorted(values: object) -> Call:
    return Call(Public("builtins", "sorted"), (values,))


def _selection(data: Data) -> Iterator[Assign]:
    """Yield the observation table, narrowed down condition by condition."""
    asked = data.selection or Selection()
    yield Assign("obs_table", Name("data_store.obs_table"), "data")
    if data.obs_ids is not None:
        yield _only(Call(Public("numpy", "isin"), (Item(_TABLE, "OBS_ID"), list(data.obs_ids))))
    if asked.target is not None:
        yield Assign("target", asked.target, "data")
        yield _only(Operation("==", Item(_TABLE, "OBJECT"), Name("target")))
    if asked.zenith_max_deg is not None:
        yield _only(Operation("<=", Item(_TABLE, "ZEN_PNT"), asked.zenith_max_deg))
    if asked.quality_max is not None:
        yield _only(Operation("<=", Item(_TABLE, "QUALITY"), asked.quality_max))
    if asked.cone is not None:
        yield from _cone(asked.cone)


def _cone(cone: Cone) -> Iterator[Assign]:
    columns = (Item(_TABLE, "RA_PNT"), Item(_TABLE, "DEC_PNT"))
    place = Call(Public("astropy.coordinates", "SkyCoord"), columns, (Arg("unit", "deg"), Arg("frame", "icrs")))
    yield Assign("pointings", place, "data")
    yield Assign("center", position(cone.lon_deg, cone.lat_deg, cone.frame), "data")
    distance = Method(Name("pointings"), "separation", (Name("center"),))
    yield _only(Operation("<=", distance, Quantity(cone.radius_deg, "deg")))


def _only(condition: object) -> Assign:
    return Assign("obs_table", Item(_TABLE, condition), "data")
