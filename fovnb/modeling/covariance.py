"""The covariance matrix of a list of parameters."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np

from fovnb.errors import ModelError
from fovnb.modeling.parameter import Parameter, Parameters
from fovnb.text import html_summary
from fovnb.types import AnyArray, FloatArray

__all__ = ["Covariance", "JointCovariance", "as_array", "embed", "variances", "with_errors"]


class Covariance:
    """Covariance of parameters, in the product of their units.

    Parameters
    ----------
    parameters : `Parameters`
        The n parameters.
    data : array, shape (n, n), optional
        The matrix; by default the squared errors on the diagonal.

    Raises
    ------
    ModelError
        If the shape does not fit the parameters.

    Examples
    --------
    >>> norm, tilt = Parameter("norm", 1, error=0.1), Parameter("tilt", 0, error=0.2)
    >>> Covariance(Parameters([norm, tilt]), [[1, 1], [1, 4]]).correlation.tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """

    def __init__(self, parameters: Parameters, data: AnyArray | list[list[float]] | None = None) -> None:
        self.parameters = parameters
        self.data = np.diag(variances(parameters)) if data is None else np.asarray(data, dtype=float)

    @property
    def data(self) -> FloatArray:
        """The matrix, shape (n, n)."""
        return self._data

    @data.setter
    def data(self, data: AnyArray) -> None:
        matrix = np.array(data, dtype=float)
        if matrix.shape != self.shape:
            names = ", ".join(self.parameters.names)
            msg = f"a covariance of shape {matrix.shape} was given for {len(self.parameters)} parameters ({names})"
            raise ModelError(msg + f"; expected {self.shape}")
        self._data = matrix

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        size = len(self.parameters)
        return size, size

    @property
    def correlation(self) -> FloatArray:
        """The matrix divided by the errors; 0 where an error is 0, NaN or infinite, as in Gammapy."""
        errors = np.sqrt(np.diag(self.data))
        known = (errors > 0) & (errors < np.inf)
        inverse = np.divide(1.0, errors, where=known, out=np.zeros(len(errors)))
        return np.asarray(np.where(np.outer(known, known), self.data, 0.0) * np.outer(inverse, inverse))

    def get_subcovariance(self, parameters: Iterable[Parameter | str]) -> "Covariance":
        """Return the block of some of the parameters."""
        index = [self.parameters.index(par) for par in parameters]
        return Covariance(Parameters(self.parameters[i] for i in index), self.data[np.ix_(index, index)])

    def __repr__(self) -> str:
        return f"Covariance({', '.join(self.parameters.names)})"

    def _repr_html_(self) -> str:
        rows = {
            par.name: "  ".join(f"{x:.3e}" for x in row) for par, row in zip(self.parameters, self.data, strict=True)
        }
        return html_summary("Covariance", rows)


class _Part(Protocol):
    """A model with parameters and their covariance."""

    @property
    def parameters(self) -> Parameters: ...
    @property
    def covariance(self) -> Covariance: ...
    @covariance.setter
    def covariance(self, covariance: Covariance | AnyArray) -> None: ...


class JointCovariance:
    """Covariance of the parameters of several models.

    A model's own block is always its own covariance; terms between models are those last set, and 0 for a model whose
    covariance has changed since.
    """

    _parameters: Parameters | None = None
    _matrix: FloatArray

    def of(self, parts: Sequence[_Part]) -> Covariance:
        """Return the covariance of all parameters of the models, in order."""
        if len(parts) == 1:
            return parts[0].covariance
        parameters = Parameters.from_stack(part.parameters for part in parts)
        known = parameters == self._parameters
        matrix = self._matrix.copy() if known else np.zeros((len(parameters),) * 2)
        for block, part in zip(_blocks(parts), parts, strict=True):
            own = part.covariance.data
            if not np.array_equal(matrix[block, block], own, equal_nan=True):
                matrix[block, :] = matrix[:, block] = 0
                matrix[block, block] = own
        return Covariance(parameters, matrix)

    def set(self, parts: Sequence[_Part], covariance: Covariance | AnyArray) -> None:
        """Give each model its block, and remember the terms between them."""
        if len(parts) == 1:
            parts[0].covariance = covariance
            return
        parameters = Parameters.from_stack(part.parameters for part in parts)
        matrix = Covariance(parameters, as_array(covariance)).data
        for block, part in zip(_blocks(parts), parts, strict=True):
            part.covariance = matrix[block, block]
            matrix[block, block] = part.covariance.data
        self._parameters, self._matrix = parameters, matrix


def as_array(covariance: Covariance | AnyArray) -> AnyArray:
    """Return the matrix of a covariance, or the matrix itself."""
    return covariance.data if isinstance(covariance, Covariance) else covariance


def with_errors(matrix: FloatArray, parameters: Parameters) -> Covariance:
    """Return the covariance with the squared errors of the parameters on its diagonal, infinite where one is open.

    Examples
    --------
    >>> with_errors(np.zeros((1, 1)), Parameters([Parameter("norm", 1, error=0.5)])).data.tolist()
    [[0.25]]
    """
    covariance = Covariance(parameters, matrix)
    np.fill_diagonal(covariance.data, variances(parameters))
    return covariance


def variances(parameters: Iterable[Parameter]) -> FloatArray:
    """Return the squared errors, infinite where a square is no number.

    Examples
    --------
    >>> variances([Parameter("norm", 1, error=0.5), Parameter("tilt", 0, error=1e200)]).tolist()
    [0.25, inf]
    """
    with np.errstate(over="ignore"):
        return np.square([par.error for par in parameters], dtype=float)


def embed(matrix: FloatArray, parameters: Parameters, free: Parameters) -> FloatArray:
    """Return the matrix of all parameters from that of the free ones, 0 for others; a linked one varies with itself.

    Examples
    --------
    >>> norm, tilt = Parameter("norm", 1), Parameter("tilt", 0, frozen=True)
    >>> embed(np.array([[4.0]]), Parameters([norm, tilt]), Parameters([norm])).tolist()
    [[4.0, 0.0], [0.0, 0.0]]
    """
    wanted = list(free)
    place, pick = np.array([[par is one for one in wanted] for par in parameters]).nonzero()
    full = np.zeros((len(parameters),) * 2)
    full[place[:, None], place] = matrix[pick[:, None], pick]
    return full


def _blocks(parts: Sequence[_Part]) -> list[slice]:
    """Return the rows of each model in the covariance."""
    ends = np.cumsum([0, *(len(part.parameters) for part in parts)]).tolist()
    return [slice(start, stop) for start, stop in pairwise(ends)]
