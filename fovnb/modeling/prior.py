"""What is known of a parameter before the fit."""

from collections.abc import Mapping
from math import isfinite, log, nan, pi
from typing import TYPE_CHECKING, Any, ClassVar

from astropy import units as u

from fovnb.errors import ModelError
from fovnb.text import html_summary, text_summary

if TYPE_CHECKING:
    from fovnb.modeling.parameter import Parameter

__all__ = ["GaussianPrior"]

_LEAST = 1e-100  # of what is positive: the square of its inverse is still a number


class GaussianPrior:
    """A Gaussian prior on one parameter: it adds ``weight * ((value - mu) / sigma)**2`` to -2 ln L.

    It never changes: to use another one, set ``parameter.prior`` again.

    Parameters
    ----------
    mu, sigma : float
        Mean and standard deviation, in the parameter's own unit; sigma is positive and finite.
    weight : float
        Positive factor on the whole; the prior acts as one of width sigma / sqrt(weight).

    Raises
    ------
    ModelError
        If one is no number, or cannot be right.

    Examples
    --------
    >>> prior = GaussianPrior(mu=1, sigma=0.2)
    >>> float(prior.mu.value), round(prior.pull(1.5), 6), round(prior.penalty(1.5), 6)
    (1.0, 2.5, 6.25)
    """

    tag: ClassVar[list[str]] = ["GaussianPrior"]
    type: ClassVar[str] = "prior"

    def __init__(self, mu: float = 0.0, sigma: float = 1.0, weight: float = 1.0) -> None:
        self._mu, self._sigma = _finite("mu", mu), _positive("sigma", sigma)
        self._weight = _positive("weight", weight)

    @property
    def mu(self) -> u.Quantity:
        """Mean; ``mu.value`` is the number, as in Gammapy."""
        return u.Quantity(self._mu)

    @property
    def sigma(self) -> u.Quantity:
        """Standard deviation; ``sigma.value`` is the number."""
        return u.Quantity(self._sigma)

    @property
    def weight(self) -> float:
        """Factor on the whole."""
        return self._weight

    def pull(self, value: float) -> float:
        """Return how many of its standard deviations, sigma / sqrt(weight), a value lies above the mean."""
        return float((value - self._mu) / self._sigma * self._weight**0.5)

    def penalty(self, value: float) -> float:
        """Return what the prior adds to -2 ln L, 0 at the mean."""
        return self.pull(value) ** 2

    def __call__(self, parameter: "Parameter") -> float:
        """Return -2 ln of the density at the parameter's value, times the weight, as Gammapy does."""
        return self.penalty(parameter.value) + self._weight * log(2 * pi * self._sigma**2)

    def to_dict(self) -> dict[str, Any]:
        """Return the prior as plain values, as in Gammapy's YAML."""
        named = {"mu": self._mu, "sigma": self._sigma}
        numbers = [{"name": name, "value": value, "unit": ""} for name, value in named.items()]
        return {"prior": {"type": self.tag[0], "parameters": numbers, "weight": self.weight}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "GaussianPrior":
        """Return the prior of `to_dict`, with or without the key "prior".

        Raises
        ------
        ModelError
            If it is no Gaussian prior, or incomplete.
        """
        data = data.get("prior", data) if isinstance(data, Mapping) else {}
        if data.get("type") not in cls.tag:
            msg = f"the prior is of type {data.get('type')!r}; the only known one is {cls.tag[0]!r}"
            raise ModelError(msg)
        try:
            fields = {one["name"]: one["value"] for one in data["parameters"]}
            return cls(**fields, weight=data.get("weight", 1.0))
        except ModelError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            msg = f"the prior {dict(data)} cannot be read; expected 'parameters' mu and sigma with name and value"
            raise ModelError(msg) from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GaussianPrior) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self._mu, self._sigma, self._weight))

    def __repr__(self) -> str:
        return f"GaussianPrior({', '.join(f'{name}={value}' for name, value in self._rows().items())})"

    def __str__(self) -> str:
        return text_summary("GaussianPrior", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("GaussianPrior", self._rows())

    def _rows(self) -> dict[str, str]:
        weight = {} if self._weight == 1 else {"weight": f"{self._weight:.6g}"}
        return {"mu": f"{self._mu:.6g}", "sigma": f"{self._sigma:.6g}", **weight}


def _finite(name: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = nan
    if not isfinite(found):
        msg = f"{name} of the prior is {value!r}; give a finite number, in the parameter's unit"
        raise ModelError(msg)
    return found


def _positive(name: str, value: Any) -> float:
    found = _finite(name, value)
    if not found >= _LEAST:
        msg = f"{name} of the prior is {value!r}; it must be positive: freeze a parameter to fix its value"
        raise ModelError(msg)
    return found
