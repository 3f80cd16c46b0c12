"""One axis of a map: bins along energy, offset or anything else that is not the sky."""

from typing import Any, Self

import numpy as np
from astropy import units as u

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps.axis_base import ENERGY_NAMES, NODE_TYPES, AxisBase
from fovnb.maps.checks import check_choice, positive_int, quantity
from fovnb.maps.scale import SCALES

__all__ = ["MapAxis"]


class MapAxis(AxisBase):
    """An axis of bins; it never changes once it is made.

    Bin ``i`` has its centre at pixel coordinate ``i`` and its edges at ``i - 0.5`` and ``i + 0.5``; between nodes,
    pixel and axis coordinates are linear in each other on the scale ``interp``. Two axes are equal if name, scale,
    node type and unit agree and their edges do within 1e-6.

    Parameters
    ----------
    nodes : `~astropy.units.Quantity` or array, shape (n,)
        Increasing bin edges (n - 1 bins) or bin centres (n bins), according to ``node_type``.
    interp : {"lin", "log", "sqrt"}
        Scale on which the axis is interpolated.
    name : str
        Name, such as "energy" (reconstructed) or "energy_true".
    node_type : {"edges", "center"}
        What the nodes are.
    unit : str or `~astropy.units.Unit`
        Unit of nodes that are plain numbers.

    Raises
    ------
    InvalidInputError
        If the nodes are not finite and increasing, or the scale or node type is unknown or impossible for them.

    Examples
    --------
    >>> axis = MapAxis([1, 10, 100], interp="log", name="energy", unit="TeV")
    >>> axis.nbin
    2
    >>> axis.center.round(3)
    <Quantity [ 3.162, 31.623] TeV>
    """

    @classmethod
    def from_edges(cls, edges: Any, **kwargs: Any) -> Self:
        """Make an axis from its n + 1 bin edges; the other arguments are those of `MapAxis`.

        Examples
        --------
        >>> MapAxis.from_edges([0, 1, 3], name="offset", unit="deg").bin_width
        <Quantity [1., 2.] deg>
        """
        return cls(edges, node_type="edges", **kwargs)

    @classmethod
    def from_nodes(cls, nodes: Any, **kwargs: Any) -> Self:
        """Make an axis from its n bin centres; the other arguments are those of `MapAxis`.

        Examples
        --------
        >>> MapAxis.from_nodes([1, 2, 3], unit="deg").edges
        <Quantity [0.5, 1.5, 2.5, 3.5] deg>
        """
        return cls(nodes, node_type="center", **kwargs)

    @classmethod
    def from_bounds(
        cls,
        lo_bnd: Any,
        hi_bnd: Any,
        nbin: int,
        interp: str = "lin",
        node_type: str = "edges",
        unit: Any = "",
        name: str = "",
    ) -> Self:
        """Make an axis of bins of equal width on its scale, between two outer edges (or outer centres).

        Examples
        --------
        >>> MapAxis.from_bounds(0, 2.5, nbin=5, name="offset", unit="deg").edges
        <Quantity [0. , 0.5, 1. , 1.5, 2. , 2.5] deg>
        """
        check_choice("interp", interp, SCALES)
        check_choice("node_type", node_type, NODE_TYPES)
        n_nodes = positive_int(nbin, "nbin") + (node_type == "edges")
        unit = getattr(hi_bnd, "unit", unit)
        low = float(quantity(lo_bnd, unit, "lo_bnd").value)
        high = float(quantity(hi_bnd, unit, "hi_bnd").value)
        _check_bounds(low, high, interp, n_nodes)
        if interp == "log":
            nodes = np.geomspace(low, high, n_nodes)
        elif interp == "sqrt":
            nodes = np.linspace(low**0.5, high**0.5, n_nodes) ** 2
        else:
            nodes = np.linspace(low, high, n_nodes)
        return cls(nodes, interp=interp, node_type=node_type, unit=unit, name=name)

    @classmethod
    def from_energy_edges(
        cls, energy_edges: Any, unit: Any = None, name: str | None = None, interp: str = "log"
    ) -> Self:
        """Make an energy axis from its edges.

        Examples
        --------
        >>> MapAxis.from_energy_edges([1, 3, 10] * u.TeV).nbin
        2
        """
        return cls.from_edges(_energy(energy_edges, unit, "energy_edges"), interp=interp, name=_energy_name(name))

    @classmethod
    def from_energy_bounds(
        cls,
        energy_min: Any,
        energy_max: Any,
        nbin: int,
        unit: Any = None,
        per_decade: bool = False,
        name: str | None = None,
        node_type: str = "edges",
        strict_bounds: bool = True,
    ) -> Self:
        """Make a logarithmic energy axis between two energies.

        Parameters
        ----------
        energy_min, energy_max : `~astropy.units.Quantity`, str or float
            Outer edges (or centres); plain numbers need ``unit``.
        nbin : int
            Number of bins, in total or, with ``per_decade``, in each factor of ten.
        unit : str or `~astropy.units.Unit`, optional
            Unit of the axis; that of ``energy_max`` by default.
        per_decade : bool
            Whether ``nbin`` counts the bins of one decade.
        name : {"energy", "energy_true"}, optional
            Name; "energy" by default.
        node_type : {"edges", "center"}
            Whether the bounds are edges or centres.
        strict_bounds : bool
            With ``per_decade``: True ends the axis at ``energy_max`` with bins a little narrower than asked;
            False keeps their width and ends it at or below ``energy_max``.

        Raises
        ------
        InvalidInputError
            If an energy has no energy unit, is not positive, or the bounds are not increasing.

        Examples
        --------
        >>> MapAxis.from_energy_bounds("0.1 TeV", "10 TeV", nbin=4).edges.round(2)
        <Quantity [ 0.1 ,  0.32,  1.  ,  3.16, 10.  ] TeV>
        >>> MapAxis.from_energy_bounds(0.1, 20, nbin=2, unit="TeV", per_decade=True).nbin
        5
        """
        upper = _energy(energy_max, unit, "energy_max")
        lower = _energy(energy_min, unit, "energy_min").to(upper.unit)
        low, high = float(lower.value), float(upper.value)
        _check_bounds(low, high, "log", 2)
        if per_decade:
            decades, n_per_decade = np.log10(high / low), positive_int(nbin, "nbin")
            nbin = int((np.ceil if strict_bounds else np.floor)(decades * n_per_decade))
            if not strict_bounds and decades % (1 / n_per_decade) != 0:
                high = low * 10 ** (nbin / n_per_decade)
        name = _energy_name(name)
        return cls.from_bounds(low, high, nbin, unit=upper.unit, interp="log", name=name, node_type=node_type)

    def copy(self, **kwargs: Any) -> "MapAxis":
        """Return an axis with some of the arguments of `MapAxis` replaced.

        Examples
        --------
        >>> MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=3).copy(name="energy_true").name
        'energy_true'
        """
        same = {
            "nodes": self._nodes,
            "interp": self._interp,
            "name": self._name,
            "node_type": self._node_type,
            "unit": self._unit,
        }
        return MapAxis(**(same | kwargs))

    def rename(self, new_name: str) -> "MapAxis":
        """Return the same axis with another name."""
        return self.copy(name=new_name)

    def slice(self, idx: slice) -> "MapAxis":
        """Return the axis of a contiguous range of bins.

        Examples
        --------
        >>> MapAxis.from_edges([1, 2, 4, 8]).slice(slice(1, 3)).edges
        <Quantity [2., 4., 8.]>
        """
        bins = range(self.nbin)[idx]
        if not bins or (len(bins) > 1 and bins.step != 1):
            msg = f"{idx} takes no contiguous bins of axis {self._name!r} with {self.nbin}; give slice(first, last + 1)"
            raise InvalidInputError(msg)
        return self.copy(nodes=self._nodes[bins[0] : bins[-1] + 1 + (self._node_type == "edges")])

    def squash(self) -> "MapAxis":
        """Return the axis with all its bins merged into one."""
        return self.copy(nodes=self.edges.value[[0, -1]], node_type="edges")

    def upsample(self, factor: int) -> "MapAxis":
        """Return the axis with every bin (or step between centres) divided into ``factor`` on its scale.

        Examples
        --------
        >>> MapAxis.from_edges([1, 4], interp="log").upsample(2).edges
        <Quantity [1., 2., 4.]>
        """
        steps = (len(self._nodes) - 1) * positive_int(factor, "factor")
        pix = np.linspace(0, len(self._nodes) - 1, steps + 1) + self._first_pix
        return self.copy(nodes=self.pix_to_coord(pix))

    def downsample(self, factor: int, strict: bool = True) -> "MapAxis":
        """Return the axis with ``factor`` bins merged into one.

        Raises
        ------
        GeometryError
            If ``strict`` and the number of bins (of steps between centres) is no multiple of ``factor``; otherwise
            the rest forms a last, smaller bin.

        Examples
        --------
        >>> MapAxis.from_edges([0, 1, 2, 3]).downsample(2, strict=False).edges
        <Quantity [0., 2., 3.]>
        """
        steps, factor = len(self._nodes) - 1, positive_int(factor, "factor")
        if steps % factor and strict:
            msg = f"axis {self._name!r} has {steps} bins, no multiple of {factor}; give a divisor or strict=False"
            raise GeometryError(msg)
        return self.copy(nodes=self._nodes[[*range(0, steps, factor), steps]])

    def pad(self, pad_width: int | tuple[int, int]) -> "MapAxis":
        """Return the axis with bins added at its lower and upper end, as wide on its scale as the outermost ones.

        Examples
        --------
        >>> MapAxis.from_edges([1, 10], interp="log").pad((0, 1)).edges
        <Quantity [  1.,  10., 100.]>
        """
        low, high = pad_width if isinstance(pad_width, tuple) else (pad_width, pad_width)
        return self.copy(nodes=self.pix_to_coord(np.arange(-low, len(self._nodes) + high) + self._first_pix))


def _check_bounds(low: float, high: float, interp: str, n_nodes: int) -> None:
    if not (np.isfinite([low, high]).all() and (low < high or n_nodes == 1)):
        msg = f"an axis is asked to run from {low:g} to {high:g}; give a finite lower bound below the upper one"
        raise InvalidInputError(msg)
    if (interp == "log" and low <= 0) or (interp == "sqrt" and low < 0):
        msg = f"an axis with interp={interp!r} is asked to start at {low:g}; give a positive lower bound"
        raise InvalidInputError(msg)


def _energy(value: Any, unit: Any, what: str) -> u.Quantity:
    energy = quantity(value, unit, what)
    if not energy.unit.is_equivalent("TeV"):
        msg = f"{what} is {energy}, no energy; give a unit, such as '{np.ravel(energy.value)[0]:g} TeV' or unit='TeV'"
        raise InvalidInputError(msg)
    return energy


def _energy_name(name: str | None) -> str:
    check_choice("the name of an energy axis", name or "energy", ENERGY_NAMES)
    return name or "energy"
