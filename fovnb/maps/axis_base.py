"""What an axis is: nodes on a scale, and the way between coordinates, pixels and bins."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from astropy import units as u

from fovnb.errors import InvalidInputError
from fovnb.maps.checks import check_choice, quantity, require_str
from fovnb.maps.scale import SCALES, from_scale, interpolate, nearest_idx, to_scale
from fovnb.text import html_summary, text_summary
from fovnb.types import FloatArray, IntArray

__all__ = ["ENERGY_NAMES", "NODE_TYPES", "AxisBase"]

NODE_TYPES = ("edges", "center")
ENERGY_NAMES = ("energy", "energy_true")


class AxisBase:
    """Nodes, name and unit of an axis, and its coordinates; see `~fovnb.maps.MapAxis`."""

    def __init__(
        self, nodes: Any, interp: str = "lin", name: str = "", node_type: str = "edges", unit: Any = ""
    ) -> None:
        check_choice("interp", interp, SCALES)
        check_choice("node_type", node_type, NODE_TYPES)
        require_str("the name of an axis", name)
        with_unit = quantity(nodes, getattr(nodes, "unit", unit), f"the nodes of axis {name!r}")
        self._nodes = np.array(with_unit.value, ndmin=1)
        self._unit = with_unit.unit
        self._interp = interp
        self._name = name
        self._node_type = node_type
        _check_nodes(self._nodes, interp, name, node_type)

    @property
    def name(self) -> str:
        """Name of the axis."""
        return self._name

    @property
    def unit(self) -> u.UnitBase:
        """Unit of edges and centres."""
        return self._unit

    @property
    def interp(self) -> str:
        """Scale: "lin", "log" or "sqrt"."""
        return self._interp

    @property
    def node_type(self) -> str:
        """What defines the axis: "edges" or "center"."""
        return self._node_type

    @property
    def nbin(self) -> int:
        """Number of bins."""
        return len(self._nodes) - (self._node_type == "edges")

    @property
    def is_energy_axis(self) -> bool:
        """Whether the name is "energy" or "energy_true"."""
        return self._name in ENERGY_NAMES

    @cached_property
    def edges(self) -> u.Quantity:
        """Bin edges, shape (nbin + 1,), read-only."""
        return _read_only(self.pix_to_coord(np.arange(self.nbin + 1) - 0.5))

    @cached_property
    def center(self) -> u.Quantity:
        """Bin centres on the scale of the axis, shape (nbin,), read-only."""
        return _read_only(self.pix_to_coord(np.arange(self.nbin, dtype=float)))

    @cached_property
    def bin_width(self) -> u.Quantity:
        """Upper minus lower edge, shape (nbin,), read-only."""
        return _read_only(np.diff(self.edges))

    @property
    def edges_min(self) -> u.Quantity:
        """Lower edge of each bin, shape (nbin,)."""
        return self.edges[:-1]

    @property
    def edges_max(self) -> u.Quantity:
        """Upper edge of each bin, shape (nbin,)."""
        return self.edges[1:]

    @property
    def bounds(self) -> u.Quantity:
        """First and last node: outer edges, or outer centres of an axis made of centres."""
        return (self.edges if self._node_type == "edges" else self.center)[[0, -1]]

    @property
    def iter_by_edges(self) -> Iterator[tuple[u.Quantity, u.Quantity]]:
        """Pairs of lower and upper edge."""
        return zip(self.edges_min, self.edges_max, strict=True)

    def coord_to_pix(self, coord: Any) -> FloatArray:
        """Return pixel coordinates, at least one-dimensional; they go on beyond the axis at both ends.

        Examples
        --------
        >>> from fovnb.maps import MapAxis
        >>> MapAxis.from_edges([1, 10, 100], interp="log").coord_to_pix([1, 10])
        array([-0.5,  0.5])
        """
        at = to_scale(np.atleast_1d(self._value(coord)), self._interp)
        return interpolate(at, self._scaled_nodes, self._node_numbers) + self._first_pix

    def pix_to_coord(self, pix: Any) -> u.Quantity:
        """Return the axis coordinates of pixel coordinates."""
        at = np.asarray(pix, dtype=float) - self._first_pix
        scaled = interpolate(at, self._node_numbers, self._scaled_nodes)
        return u.Quantity(from_scale(scaled, self._interp), self._unit, copy=False)

    def coord_to_idx(self, coord: Any, clip: bool = False) -> IntArray:
        """Return the bin that holds each coordinate, lower edge included: -1 outside, or the nearest bin with ``clip``.

        Coordinates that are not finite get -1 either way.

        Examples
        --------
        >>> from fovnb.maps import MapAxis
        >>> MapAxis.from_edges([0, 1, 2]).coord_to_idx([-0.5, 0, 1.5, 2])
        array([-1,  0,  1, -1])
        """
        value = np.atleast_1d(self._value(coord))
        idx = np.searchsorted(self.edges.value, value, side="right") - 1
        idx = np.clip(idx, 0, self.nbin - 1) if clip else np.where(idx < self.nbin, idx, -1)
        return np.where(np.isfinite(value), idx, -1)

    def pix_to_idx(self, pix: Any, clip: bool = False) -> IntArray:
        """Return pixel coordinates rounded to bins: -1 outside, or the nearest bin with ``clip``."""
        return nearest_idx(pix, self.nbin, clip)

    def round(self, coord: Any, clip: bool = False) -> u.Quantity:
        """Return the edge nearest to each coordinate on the scale of the axis.

        The grid of edges goes on beyond the axis; with ``clip`` the outermost edges are returned there.

        Examples
        --------
        >>> from fovnb.maps import MapAxis
        >>> MapAxis.from_edges([1, 10, 100], interp="log", unit="TeV").round("2 TeV")
        <Quantity [1.] TeV>
        """
        pix = self.coord_to_pix(coord)
        pix = np.clip(pix, -0.5, self.nbin - 0.5) if clip else pix
        return self.pix_to_coord(np.round(pix + 0.5) - 0.5)

    def is_allclose(self, other: "AxisBase", rtol: float = 1e-5, atol: float = 1e-8) -> bool:
        """Return whether the other axis has the same name, scale, node type and unit, and edges close to these."""
        if self is other or self._key != other._key or not self._unit.is_equivalent(other._unit):
            return self is other
        if self._unit == other._unit and np.array_equal(self._nodes, other._nodes):
            return True
        return bool(np.allclose(self.edges.value, other.edges.to_value(self._unit), rtol=rtol, atol=atol))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, AxisBase) and self.is_allclose(other, rtol=1e-6, atol=1e-6))

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return text_summary("MapAxis", self._summary())

    def _repr_html_(self) -> str:
        return html_summary("MapAxis", self._summary())

    def _summary(self) -> dict[str, object]:
        low, high = self.bounds
        return {
            "name": self._name,
            "unit": str(self._unit),
            "bins": self.nbin,
            "node type": self._node_type,
            "bounds": f"{low.value:.4g} to {high.value:.4g}",
            "interp": self._interp,
        }

    @property
    def _key(self) -> tuple[str, str, str, int]:
        return (self._name.upper(), self._interp, self._node_type, self.nbin)

    @cached_property
    def _scaled_nodes(self) -> FloatArray:
        return to_scale(self._nodes, self._interp)

    @cached_property
    def _node_numbers(self) -> FloatArray:
        return np.arange(len(self._nodes), dtype=float)

    @property
    def _first_pix(self) -> float:
        return -0.5 if self._node_type == "edges" else 0.0

    def _value(self, coord: Any) -> FloatArray:
        return np.asarray(quantity(coord, self._unit, f"coordinates on axis {self._name!r}").value)


def _read_only(values: u.Quantity) -> u.Quantity:
    values.flags.writeable = False
    return values


def _check_nodes(nodes: FloatArray, interp: str, name: str, node_type: str) -> None:
    needed = 2 if node_type == "edges" else 1
    if nodes.ndim != 1 or len(nodes) < needed:
        msg = f"axis {name!r} is given nodes of shape {nodes.shape}; give a list of at least {needed} {node_type}"
        raise InvalidInputError(msg)
    if not (np.isfinite(nodes).all() and (np.diff(nodes) > 0).all()):
        shown = np.array2string(nodes, max_line_width=10**6, threshold=8)
        msg = f"the nodes of axis {name!r} are {shown}; give finite, increasing numbers"
        raise InvalidInputError(msg)
    if interp != "lin" and nodes[0] < 0:
        msg = f"axis {name!r} starts at {nodes[0]:g}, below zero, with interp={interp!r}; give interp='lin'"
        raise InvalidInputError(msg)
