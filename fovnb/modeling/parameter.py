"""Model parameters: a named value with its unit, error, limits and frozen flag, and lists of them.

Values, errors and limits are floats in the parameter's own unit. Two models share ("link") a parameter when they hold
the same object.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isnan, nan
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling.prior import GaussianPrior
from fovnb.modeling.values import number, split, words
from fovnb.text import did_you_mean, html_summary
from fovnb.types import AnyArray, FloatArray

if TYPE_CHECKING:
    from astropy.table import Table  # imported late: it takes longer than all of this package

__all__ = ["Parameter", "ParameterLike", "Parameters"]

_COLUMNS = ("type", "name", "value", "unit", "error", "min", "max", "frozen", "link", "prior")


class Parameter:
    """A named value with unit, error, limits and frozen flag.

    Parameters
    ----------
    name : str
        Name, fixed for life.
    value : float, str or `~astropy.units.Quantity`
        Value; a string such as ``"1 TeV"`` or a quantity brings its own unit.
    unit : str or `~astropy.units.Unit`
        Unit of a plain number.
    min, max : float, str or quantity
        Limits of a fit; NaN means no limit.
    frozen : bool
        Whether a fit leaves the value alone.
    error : float
        Standard deviation. NaN at a limit, infinite when the data say nothing about the value.
    interp : str
        Scale on which Gammapy scans the parameter; kept for its files.
    prior : `GaussianPrior`, optional
        What is known beforehand, in the parameter's unit.

    Raises
    ------
    ModelError
        If a value is no number, or its unit does not fit.

    Examples
    --------
    >>> tilt = Parameter("tilt", 0.1, min=-1, max="1")
    >>> tilt.value, tilt.max, tilt.frozen
    (0.1, 1.0, False)
    """

    def __init__(
        self,
        name: str,
        value: "ParameterLike",
        unit: str | u.UnitBase = "",
        min: "ParameterLike" = nan,  # noqa: A002
        max: "ParameterLike" = nan,  # noqa: A002
        frozen: bool = False,
        error: "ParameterLike" = 0.0,
        interp: str = "lin",
        prior: GaussianPrior | Mapping[str, Any] | None = None,
    ) -> None:
        self._name = name
        self._unit = u.Unit(unit)
        self.interp = interp
        self.link: str | None = None
        if isinstance(value, (str, u.Quantity)):
            self._value, self._unit = split(name, value)
        else:
            self._value = number(name, value)
        self.error = error
        self.min = min
        self.max = max
        self.frozen = frozen
        self.prior = prior

    @property
    def name(self) -> str:
        """Name."""
        return self._name

    @property
    def unit(self) -> u.UnitBase:
        """Unit of value, error and limits."""
        return self._unit

    @unit.setter
    def unit(self, unit: str | u.UnitBase) -> None:
        self._unit = u.Unit(unit)

    @property
    def value(self) -> float:
        """Value in `unit`."""
        return self._value

    @value.setter
    def value(self, value: float) -> None:
        self._value = number(self.name, value)

    @property
    def quantity(self) -> u.Quantity:
        """Value with its unit; setting it takes over the unit."""
        return u.Quantity(self.value, self.unit)

    @quantity.setter
    def quantity(self, quantity: "ParameterLike") -> None:
        value, unit = split(self.name, quantity)
        if not unit.is_equivalent(self.unit):
            msg = f"parameter {self.name!r} is in {words(self.unit)}, but {quantity} was given; use an equivalent unit"
            raise ModelError(msg)
        self._value, self._unit = value, unit

    @property
    def error(self) -> float:
        """Standard deviation in `unit`."""
        return self._error

    @error.setter
    def error(self, error: "ParameterLike") -> None:
        self._error = self._float(error)

    @property
    def min(self) -> float:
        """Lower limit of a fit, NaN for none."""
        return self._min

    @min.setter  # noqa: A003
    def min(self, limit: "ParameterLike | None") -> None:
        self._min = self._limit(limit)

    @property
    def max(self) -> float:
        """Upper limit of a fit, NaN for none."""
        return self._max

    @max.setter  # noqa: A003
    def max(self, limit: "ParameterLike | None") -> None:
        self._max = self._limit(limit)

    @property
    def frozen(self) -> bool:
        """Whether a fit leaves the value alone."""
        return self._frozen

    @frozen.setter
    def frozen(self, frozen: Any) -> None:
        if not isinstance(frozen, (bool, np.bool_)):
            msg = f"frozen of parameter {self.name!r} must be True or False, not {frozen!r}"
            raise ModelError(msg)
        self._frozen = bool(frozen)

    @property
    def prior(self) -> GaussianPrior | None:
        """What is known beforehand; it can be set to a `GaussianPrior`, its dictionary, or None."""
        return self._prior

    @prior.setter
    def prior(self, prior: Any) -> None:
        if isinstance(prior, Mapping):
            prior = GaussianPrior.from_dict(prior)
        if not (prior is None or isinstance(prior, GaussianPrior)):
            msg = f"the prior of parameter {self.name!r} is {prior!r}; give GaussianPrior(mu=..., sigma=...) or None"
            raise ModelError(msg)
        self._prior = prior

    def set_lim(self, min: "ParameterLike | None" = None, max: "ParameterLike | None" = None) -> None:  # noqa: A002
        """Set one or both limits; None leaves a limit as it is."""
        self.min = self.min if min is None else min
        self.max = self.max if max is None else max

    def copy(self) -> "Parameter":
        """Return an independent copy."""
        new = Parameter.__new__(Parameter)
        new.__dict__.update(self.__dict__)
        return new

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, as Gammapy's YAML names them."""
        data: dict[str, Any] = {"name": self.name, "value": self.value}
        if self.unit != u.dimensionless_unscaled:
            data["unit"] = self.unit.to_string("fits")
        if self.error != 0:
            data["error"] = self.error
        data |= {key: limit for key, limit in (("min", self.min), ("max", self.max)) if not isnan(limit)}
        data["frozen"] = self.frozen
        data |= {"link": self.link} if self.link is not None else {}
        return data | (self.prior.to_dict() if self.prior is not None else {})

    def __repr__(self) -> str:
        prior = "" if self.prior is None else f", prior={self.prior!r}"
        return (
            f"Parameter(name={self.name!r}, value={self.value!r}, unit={str(self.unit)!r}, error={self.error!r}, "
            f"min={self.min!r}, max={self.max!r}, frozen={self.frozen!r}{prior})"
        )

    def _repr_html_(self) -> str:
        rows = {key: getattr(self, key) for key in ("value", "unit", "error", "min", "max", "frozen", "prior")}
        return html_summary(self.name, rows)

    def _limit(self, limit: "ParameterLike | None") -> float:
        return nan if limit is None or limit is np.ma.masked else self._float(limit)

    def _float(self, value: "ParameterLike") -> float:
        if type(value) is float:
            return value
        if not isinstance(value, (str, u.Quantity)):
            return number(self.name, value, or_nan=True)
        found, unit = split(self.name, value)
        try:
            return float(unit.to(self.unit, found))
        except u.UnitConversionError as error:
            msg = f"parameter {self.name!r} is in {words(self.unit)}, but {value} was given; use an equivalent unit"
            raise ModelError(msg) from error


ParameterLike: TypeAlias = float | str | u.Quantity | Parameter


class Parameters(Sequence[Parameter]):
    """A list of parameters, found by name or position.

    Parameters
    ----------
    parameters : iterable of `Parameter`
        The parameters; they are shared, not copied.

    Examples
    --------
    >>> parameters = Parameters([Parameter("norm", 1), Parameter("tilt", 0, frozen=True)])
    >>> parameters["tilt"].value, parameters.free_parameters.names
    (0.0, ['norm'])
    """

    def __init__(self, parameters: Iterable[Parameter] = ()) -> None:
        self._parameters = list(parameters)

    @classmethod
    def from_stack(cls, parameters_list: Iterable[Iterable[Parameter]]) -> "Parameters":
        """Return one list made of several."""
        return cls(par for parameters in parameters_list for par in parameters)

    @property
    def names(self) -> list[str]:
        """Names, in order."""
        return [par._name for par in self._parameters]

    @property
    def value(self) -> FloatArray:
        """Values, each in its own unit."""
        return np.array([par._value for par in self._parameters], dtype=float)

    @value.setter
    def value(self, values: Sequence[float] | FloatArray) -> None:
        self._set("value", values)

    @property
    def min(self) -> FloatArray:
        """Lower limits, NaN for none."""
        return np.array([par.min for par in self._parameters], dtype=float)

    @min.setter  # noqa: A003
    def min(self, limits: Sequence[float] | FloatArray) -> None:
        self._set("min", limits)

    @property
    def max(self) -> FloatArray:
        """Upper limits, NaN for none."""
        return np.array([par.max for par in self._parameters], dtype=float)

    @max.setter  # noqa: A003
    def max(self, limits: Sequence[float] | FloatArray) -> None:
        self._set("max", limits)

    @property
    def prior(self) -> list[GaussianPrior | None]:
        """Priors, in order."""
        return [par._prior for par in self._parameters]

    @property
    def free_parameters(self) -> "Parameters":
        """Those that a fit may change."""
        return Parameters([par for par in self._parameters if not par._frozen])

    @property
    def unique_parameters(self) -> "Parameters":
        """Those left when a linked parameter counts once."""
        return Parameters(dict.fromkeys(self._parameters))

    @property
    def free_unique_parameters(self) -> "Parameters":
        """Those that a fit may change, each once."""
        return Parameters([par for par in dict.fromkeys(self._parameters) if not par._frozen])

    def index(self, key: "str | int | Parameter", *_: Any) -> int:
        """Return the position of a name, a parameter or a position."""
        if isinstance(key, str):
            if key not in self.names:
                known = ", ".join(self.names) or "none"
                msg = f"no parameter {key!r}{did_you_mean(key, self.names)}; there are {known}"
                raise ModelError(msg)
            return self.names.index(key)
        if isinstance(key, Parameter):
            found = [i for i, par in enumerate(self._parameters) if par is key]
            if not found:
                msg = f"parameter {key.name!r} is not one of {', '.join(self.names) or 'none'}; pass one of this list"
                raise ModelError(msg)
            return found[0]
        return range(len(self))[key]

    def freeze_all(self) -> None:
        """Freeze every parameter."""
        for par in self._parameters:
            par.frozen = True

    def unfreeze_all(self) -> None:
        """Free every parameter, also those that are frozen by default."""
        for par in self._parameters:
            par.frozen = False

    def copy(self) -> "Parameters":
        """Return independent copies; a parameter that appears twice still does."""
        copies = {par: par.copy() for par in self._parameters}
        return Parameters([copies[par] for par in self._parameters])

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one dictionary of plain values a parameter."""
        return [par.to_dict() for par in self._parameters]

    def to_table(self) -> "Table":
        """Return a table with one row a parameter, with Gammapy's columns."""
        from astropy.table import Table

        kinds = [str, str, float, str, float, float, float, bool, str, str]
        table = Table(rows=[_row(par) for par in self] or None, names=_COLUMNS, dtype=kinds)
        for name in ("value", "error", "min", "max"):
            table[name].info.format = ".4e" if name == "value" else ".3e"
        return table

    @overload
    def __getitem__(self, key: "str | int | Parameter") -> Parameter: ...
    @overload
    def __getitem__(self, key: "slice | AnyArray") -> "Parameters": ...
    def __getitem__(self, key: "str | int | Parameter | slice | AnyArray") -> "Parameter | Parameters":
        if isinstance(key, slice):
            return Parameters(self._parameters[key])
        if isinstance(key, np.ndarray):
            return Parameters(np.array(self._parameters, dtype=object)[key])
        return self._parameters[self.index(key)]

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters)

    def __add__(self, other: "Parameters") -> "Parameters":
        return Parameters([*self, *other])

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same objects in the same order."""
        return isinstance(other, Parameters) and self._parameters == other._parameters  # each equals itself alone

    __hash__ = None  # type: ignore[assignment]  # a list of changeable things

    def __repr__(self) -> str:
        return f"Parameters({', '.join(f'{par.name}={par.value:.6g}' for par in self)})"

    def _repr_html_(self) -> str:
        rows = {par.name: f"{par.value:.6g} ± {par.error:.3g} {par.unit}{' (frozen)' * par.frozen}" for par in self}
        return html_summary("Parameters", rows)

    def _set(self, field: str, values: Sequence[float] | FloatArray) -> None:
        if len(values) != len(self):
            msg = f"{len(values)} numbers given for {field} of {', '.join(self.names)}; give one each"
            raise ModelError(msg)
        for par, value in zip(self, values, strict=True):
            setattr(par, field, value)


def _row(p: Parameter) -> tuple[Any, ...]:
    prior = "" if p.prior is None else p.prior.tag[0]
    return "", p.name, p.value, str(p.unit), p.error, p.min, p.max, p.frozen, p.link or "", prior
