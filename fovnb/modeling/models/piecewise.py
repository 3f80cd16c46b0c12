"""Norms that the data themselves shape: one at each energy node, interpolated between them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling.models.fields import make_parameter, nodes_tev, plain
from fovnb.modeling.models.nodes import choose_nodes, dataset_sums
from fovnb.modeling.models.norm_base import NormSpectralModel
from fovnb.modeling.parameter import Parameter, ParameterLike, Parameters
from fovnb.modeling.sums import BackgroundSums
from fovnb.types import AnyArray, FloatArray

__all__ = ["PiecewiseNormSpectralModel", "PiecewisePowerLawNormSpectralModel"]

_TINY = np.finfo(float).tiny


class PiecewiseNormSpectralModel(NormSpectralModel):
    """A norm at each energy node, interpolated between them, constant outside.

    With ``interp="log"``, ln n is linear in ln E. Put the nodes at the centres of bins that hold enough counts, as
    `from_dataset` does: with the N + 1 edges of N bins as nodes, the alternating combination of norms changes no bin.

    Parameters
    ----------
    energy : `~astropy.units.Quantity`, shape (n,)
        Node energies, at least 2, increasing.
    norms : array or list of `Parameter`, shape (n,), optional
        Norms at the nodes, by default 1. Numbers are meant: an energy unit, which ``np.ones_like(edges)`` brings along,
        is dropped.
    interp : {"log", "lin"}
        Interpolate on logarithmic or linear scales.
    smoothness : float, optional
        Expected standard deviation of ln n between neighbouring nodes; adds
        ``sum_i ((ln n_{i+1} - ln n_i) / smoothness)**2`` to -2 ln L. Gammapy opens files that hold it, and ignores it.

    Raises
    ------
    ModelError
        If lengths differ, there are fewer than 2 nodes, they do not increase, or the smoothness is not positive.

    Examples
    --------
    >>> model = PiecewiseNormSpectralModel(energy=[1, 4] * u.TeV, norms=[1, 4])
    >>> round(float(model("2 TeV")), 6)
    2.0
    """

    tag = ["PiecewiseNormSpectralModel", "piecewise-norm"]  # noqa: RUF012
    frozen_by_default = frozenset()

    def __init__(
        self,
        energy: u.Quantity,
        norms: Sequence[ParameterLike] | AnyArray | Parameters | None = None,
        interp: str = "log",
        smoothness: float | None = None,
    ) -> None:
        nodes = nodes_tev(energy)
        if interp not in ("log", "lin"):
            msg = f"interp is {interp!r}; expected 'log' or 'lin'"
            raise ModelError(msg)
        self._energy, self._nodes, self._interp = u.Quantity(energy), nodes, interp
        self._smoothness = _checked_smoothness(smoothness)
        super().__init__(_node_norms(norms, len(nodes)))

    @classmethod
    def from_dataset(
        cls, dataset: Any, min_counts: float = 100, exclusion_mask: Any = None, **kwargs: Any
    ) -> "PiecewiseNormSpectralModel":
        """Return a model with nodes where a dataset holds enough counts.

        Energy bins are merged until each holds ``min_counts`` where a fit of the background looks: inside the safe and
        fit masks, outside the exclusion mask, where background is predicted. Each merged bin gets a node at its centre;
        masked bins get none.

        Parameters
        ----------
        dataset : `~fovnb.datasets.MapDataset` or `BackgroundSums`
            With counts and background, or the sums of these.
        min_counts : float
            Counts in every merged bin at least.
        exclusion_mask : Map or ExclusionMask, optional
            Boolean, True = used, on the dataset's geometry or its image; by default its own ``mask_exclusion``, if any.
        **kwargs
            Other arguments of the class.

        Raises
        ------
        ModelError
            If there are not enough counts for 2 nodes: one node would be a plain norm, which "pl-norm" is.
        """
        return cls.from_sums(dataset_sums(dataset, exclusion_mask), min_counts, **kwargs)

    @classmethod
    def from_sums(cls, sums: BackgroundSums, min_counts: float = 100, **kwargs: Any) -> "PiecewiseNormSpectralModel":
        """Return the same from the sums per energy bin; see `from_dataset`.

        Examples
        --------
        >>> sums = BackgroundSums(energy=[1.0, 2.0, 4.0, 8.0], counts=[50, 6, 5, 2], background=[40.0, 9.0, 4.0, 1.0])
        >>> PiecewiseNormSpectralModel.from_sums(sums, min_counts=10).energy.to_string()
        '[1. 4.] TeV'
        """
        return cls(choose_nodes(sums, min_counts) * u.TeV, **kwargs)

    @property
    def energy(self) -> u.Quantity:
        """Node energies."""
        return self._energy

    @property
    def norms(self) -> u.Quantity:
        """Norms at the nodes, without unit."""
        return u.Quantity(self.parameters.value)

    @property
    def interp(self) -> str:
        """Scale of the interpolation."""
        return self._interp

    @property
    def smoothness(self) -> float | None:
        """Expected standard deviation of ln n between neighbouring nodes, None for no such prior."""
        return self._smoothness

    @smoothness.setter
    def smoothness(self, smoothness: float | None) -> None:
        self._smoothness = _checked_smoothness(smoothness)

    def penalty_rows(self) -> FloatArray:
        """Return the differences of neighbouring ln n over the smoothness, shape (n - 1, n), or no row without."""
        return _difference_rows(len(self._nodes), self._smoothness)

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        values = self.parameters.value
        if self._interp == "lin":
            return np.asarray(np.interp(energy, self._nodes, values))
        return _interpolated(energy, self._nodes, values)

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return c = 0 and the weight of each node in each bin; None on linear scales."""
        return None if self._interp == "lin" else (np.zeros(len(energy)), _weights(energy, self._nodes))

    @classmethod
    def from_parameters(cls, parameters: Parameters, **kwargs: Any) -> "PiecewiseNormSpectralModel":
        """Return a model that holds these parameters as its norms."""
        return cls(norms=parameters, **kwargs)

    def _extra_dict(self) -> dict[str, Any]:
        return {"energy": plain(self.energy), "interp": self._interp} | _smooth_dict(self._smoothness)


class PiecewisePowerLawNormSpectralModel(NormSpectralModel):
    """A norm at each energy node up to the last one, E_s, and a power law from there on.

    Below E_s, ln n is interpolated linearly in ln E and constant below the first node; above, it is continued by
    ``n(E) = n_last * (E / E_s) ** -tilt``. Gammapy 2.1 has no such model: a file that holds one is for fovnb alone.

    Parameters
    ----------
    energy : `~astropy.units.Quantity`, shape (n,)
        Node energies, at least 1, increasing.
    norms : array or list of `Parameter`, shape (n,), optional
        Norms at the nodes, by default 1.
    tilt : float or `Parameter`
        Slope above the last node, 0 and free by default.
    smoothness : float, optional
        Expected standard deviation of ln n between neighbouring nodes; see `PiecewiseNormSpectralModel`.

    Raises
    ------
    ModelError
        If lengths differ, the energies do not increase, or the smoothness is not positive.

    Examples
    --------
    >>> model = PiecewisePowerLawNormSpectralModel(energy=[1, 4] * u.TeV, norms=[1, 4], tilt=1)
    >>> model([2, 4, 16] * u.TeV).value.round(6).tolist(), str(model.energy_switch)
    ([2.0, 4.0, 1.0], '4.0 TeV')
    """

    tag = ["PiecewisePowerLawNormSpectralModel", "piecewise-pl-norm"]  # noqa: RUF012
    frozen_by_default = frozenset()

    def __init__(
        self,
        energy: u.Quantity,
        norms: Sequence[ParameterLike] | AnyArray | Parameters | None = None,
        tilt: ParameterLike | None = None,
        smoothness: float | None = None,
    ) -> None:
        self._energy, self._nodes = u.Quantity(energy), nodes_tev(energy, at_least=1)
        self._smoothness = _checked_smoothness(smoothness)
        super().__init__([*_node_norms(norms, len(self._nodes)), make_parameter("tilt", tilt, 0)])

    @classmethod
    def from_dataset(
        cls, dataset: Any, min_counts: float = 100, exclusion_mask: Any = None, **kwargs: Any
    ) -> "PiecewisePowerLawNormSpectralModel":
        """Return a model with nodes where a dataset holds enough counts, and the power law where it no longer does.

        Energy bins are merged as by `PiecewiseNormSpectralModel.from_dataset`. The last merged bin gets no node: it,
        with ``min_counts`` counts or more, determines the tilt, and the switch is the centre of the merged bin before.

        Parameters
        ----------
        dataset, min_counts, exclusion_mask, **kwargs
            As for `PiecewiseNormSpectralModel.from_dataset`.

        Raises
        ------
        ModelError
            If there are not enough counts for a node and the tilt.
        """
        return cls.from_sums(dataset_sums(dataset, exclusion_mask), min_counts, **kwargs)

    @classmethod
    def from_sums(
        cls, sums: BackgroundSums, min_counts: float = 100, **kwargs: Any
    ) -> "PiecewisePowerLawNormSpectralModel":
        """Return the same from the sums per energy bin; see `from_dataset`.

        Examples
        --------
        >>> sums = BackgroundSums(energy=[1.0, 2.0, 4.0, 8.0], counts=[50, 16, 9, 2], background=[40.0, 9.0, 4.0, 1.0])
        >>> PiecewisePowerLawNormSpectralModel.from_sums(sums, min_counts=10).energy.to_string()
        '[1. 2.] TeV'
        """
        return cls(choose_nodes(sums, min_counts)[:-1] * u.TeV, **kwargs)

    @property
    def energy(self) -> u.Quantity:
        """Node energies."""
        return self._energy

    @property
    def energy_switch(self) -> u.Quantity:
        """The last node, where the power law begins."""
        return self._energy[-1]

    @property
    def norms(self) -> u.Quantity:
        """Norms at the nodes, without unit."""
        return u.Quantity(self.parameters.value[:-1])

    @property
    def smoothness(self) -> float | None:
        """Expected standard deviation of ln n between neighbouring nodes, None for no such prior."""
        return self._smoothness

    @smoothness.setter
    def smoothness(self, smoothness: float | None) -> None:
        self._smoothness = _checked_smoothness(smoothness)

    def penalty_rows(self) -> FloatArray:
        """Return the differences of neighbouring ln n over the smoothness, shape (n - 1, n + 1), or no row without."""
        return np.pad(_difference_rows(len(self._nodes), self._smoothness), ((0, 0), (0, 1)))

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        below = _interpolated(energy, self._nodes, self.parameters.value[:-1])
        return np.asarray(below * np.exp(-self.tilt.value * self._above(energy)))

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return c = 0, the weight of each node in each bin, and -ln(E/E_s) above E_s."""
        return np.zeros(len(energy)), np.column_stack([_weights(energy, self._nodes), -self._above(energy)])

    @classmethod
    def from_parameters(cls, parameters: Parameters, **kwargs: Any) -> "PiecewisePowerLawNormSpectralModel":
        """Return a model that holds these parameters: the tilt, and all others as norms."""
        tilt = parameters["tilt"]
        return cls(norms=Parameters(par for par in parameters if par is not tilt), tilt=tilt, **kwargs)

    def _above(self, energy: FloatArray) -> FloatArray:
        """Return ln(E/E_s) above E_s, 0 below."""
        return np.asarray(np.maximum(np.log(energy / self._nodes[-1]), 0.0))

    def _extra_dict(self) -> dict[str, Any]:
        return {"energy": plain(self.energy)} | _smooth_dict(self._smoothness)


def _node_norms(norms: Sequence[ParameterLike] | AnyArray | Parameters | None, size: int) -> list[Parameter]:
    """Return one parameter a node; numbers lose their unit."""
    norms = [1.0] * size if norms is None else norms
    if len(norms) != size:
        msg = f"{len(norms)} norms were given for {size} energies; give one norm at each"
        raise ModelError(msg)
    return [_node_norm(k, norm) for k, norm in enumerate(norms)]


def _node_norm(k: int, norm: ParameterLike) -> Parameter:
    if isinstance(norm, Parameter):
        return norm
    return Parameter(f"norm_{k}", norm.value if isinstance(norm, u.Quantity) else norm)


def _interpolated(energy: FloatArray, nodes: FloatArray, values: FloatArray) -> FloatArray:
    """Return n, with ln n linear in ln E between nodes."""
    return np.asarray(np.exp(np.interp(np.log(energy), np.log(nodes), np.log(np.maximum(values, _TINY)))))


def _weights(energy: FloatArray, nodes: FloatArray) -> FloatArray:
    """Return the weight of each node's ln n in each bin, shape (K, n)."""
    x, at = np.log(energy), np.log(nodes)
    columns = np.stack([np.interp(x, at, unit) for unit in np.eye(len(nodes))], axis=1)
    # A node at a bin's centre is not to reach into the next bin by rounding.
    return np.where(columns < 1e-12, 0, columns)


def _difference_rows(size: int, smoothness: float | None) -> FloatArray:
    """Return (ln n_{i+1} - ln n_i) / smoothness as rows, shape (size - 1, size)."""
    return np.zeros((0, size)) if smoothness is None else np.diff(np.eye(size), axis=0) / smoothness


def _checked_smoothness(smoothness: Any) -> float | None:
    if smoothness is None:
        return None
    try:
        found = float(smoothness)
    except (TypeError, ValueError):
        found = np.nan
    if not 0 < found < np.inf:
        msg = f"smoothness is {smoothness!r}; expected a positive finite number such as 0.1, or None for no such prior"
        raise ModelError(msg)
    return found


def _smooth_dict(smoothness: float | None) -> dict[str, float]:
    return {} if smoothness is None else {"smoothness": smoothness}
