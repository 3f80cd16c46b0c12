"""Norms that vary over the field of view, in coordinates that move with the telescopes."""

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling.covariance import Covariance, as_array, variances, with_errors
from fovnb.modeling.models.fields import make_parameter
from fovnb.modeling.models.norm_base import row, short
from fovnb.modeling.parameter import ParameterLike, Parameters
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray, FloatArray

if TYPE_CHECKING:
    from fovnb.maps import WcsGeom  # its tables take longer to import than all of the models

__all__ = ["FoVGradientSpatialModel", "towards_zenith"]

_ALIGNMENTS = ("RADEC", "ALTAZ")


class FoVGradientSpatialModel:
    """A linear gradient over the field of view, ``w(x, y) = 1 + gx * x + gy * y``, not below 0.

    x and y are field-of-view longitude and latitude [deg] from the pointing, in Gammapy's conventions. "RADEC"
    (``FoVICRSFrame``): x towards smaller right ascension, y north. "ALTAZ" (``FoVAltAzFrame``): y towards the zenith, x
    towards smaller azimuth; see `towards_zenith`.

    Gammapy 2.1 has no such model: a file that holds one is for fovnb alone.

    Parameters
    ----------
    gx, gy : float, quantity or `Parameter`
        Gradient [deg-1], 0 by default.
    alignment : {"RADEC", "ALTAZ"}
        Which way the axes point.
    pointing_deg : (float, float), optional
        ICRS position of the centre. Without it the model has no place yet: a maker gives it the run's, see `placed`.
    rotation_deg : float
        Position angle of the zenith, north through east, for "ALTAZ".

    Raises
    ------
    ModelError
        If the alignment is unknown, or an angle is no finite number.

    Examples
    --------
    >>> model = FoVGradientSpatialModel(gx=0.1).placed(83.6, 22.0)
    >>> from fovnb.maps import WcsGeom
    >>> geom = WcsGeom.create(skydir=(83.6, 22.0), width=2, binsz=1)
    >>> model.evaluate_geom(geom).value.round(3).tolist()
    [[[0.95, 1.05], [0.95, 1.05]]]
    """

    tag: ClassVar[list[str]] = ["FoVGradientSpatialModel", "fov-gradient"]
    type: ClassVar[str] = "spatial"

    def __init__(
        self,
        gx: ParameterLike | None = None,
        gy: ParameterLike | None = None,
        alignment: str = "RADEC",
        pointing_deg: Sequence[float] | None = None,
        rotation_deg: float = 0.0,
    ) -> None:
        if alignment not in _ALIGNMENTS:
            msg = f"alignment is {alignment!r}; expected 'RADEC' or 'ALTAZ'"
            raise ModelError(msg)
        self.gx = make_parameter("gx", gx, 0, u.deg**-1)
        self.gy = make_parameter("gy", gy, 0, u.deg**-1)
        self._alignment = alignment
        self._pointing_deg = None if pointing_deg is None else _angles("pointing_deg", pointing_deg, 2)
        self._rotation_deg = _angles("rotation_deg", [rotation_deg], 1)[0]
        self._covariance = np.diag(variances(self.parameters))

    @property
    def alignment(self) -> str:
        """Which way the axes point: "RADEC" or "ALTAZ"."""
        return self._alignment

    @property
    def pointing_deg(self) -> tuple[float, ...] | None:
        """ICRS position of the centre, None before the model has its place."""
        return self._pointing_deg

    @property
    def rotation_deg(self) -> float:
        """Position angle of the zenith, north through east."""
        return self._rotation_deg

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return ("gx", "gy")

    @property
    def parameters(self) -> Parameters:
        """Gx and gy."""
        return Parameters([self.gx, self.gy])

    @property
    def covariance(self) -> Covariance:
        """Covariance of gx and gy; its diagonal is always the squared errors."""
        return with_errors(self._covariance, self.parameters)

    @covariance.setter
    def covariance(self, covariance: Covariance | AnyArray) -> None:
        self._covariance = Covariance(self.parameters, as_array(covariance)).data
        for par, variance in zip(self.parameters, np.diag(self._covariance), strict=True):
            par.error = np.sqrt(variance)

    @property
    def frozen(self) -> bool:
        """Whether both parameters are frozen."""
        return self.gx.frozen and self.gy.frozen

    def freeze(self) -> None:
        """Freeze both parameters."""
        self.parameters.freeze_all()

    def unfreeze(self) -> None:
        """Free both parameters."""
        self.parameters.unfreeze_all()

    def reset_to_default(self) -> None:
        """Set both parameters to 0, without error."""
        for par in self.parameters:
            par.value = par.error = 0.0

    def placed(self, ra_deg: float, dec_deg: float, rotation_deg: float = 0.0) -> "FoVGradientSpatialModel":
        """Return a copy for a run: its pointing (ICRS), and the position angle of the zenith."""
        new = self.copy()
        new._pointing_deg = _angles("pointing_deg", (ra_deg, dec_deg), 2)
        new._rotation_deg = _angles("rotation_deg", [rotation_deg], 1)[0]
        return new

    def fov_lonlat_deg(self, geom: "WcsGeom") -> tuple[FloatArray, FloatArray]:
        """Return x and y of each pixel, deg, both (ny, nx), NaN off the sky.

        Raises
        ------
        ModelError
            If the model has no place yet.
        """
        if self.pointing_deg is None:
            msg = "the gradient has no pointing; use model.placed(ra_deg, dec_deg), or let FoVBackgroundMaker place it"
            raise ModelError(msg)
        x, y = geom.sky.fov_lonlat_deg(*self.pointing_deg)
        if self.alignment == "RADEC":
            return x, y
        return towards_zenith(x, y, self.rotation_deg)

    def evaluate_geom(self, geom: "WcsGeom") -> u.Quantity:
        """Return w at each pixel, without unit, shape (1, ny, nx), NaN off the sky."""
        x, y = self.fov_lonlat_deg(geom)
        gx, gy = (par.quantity.to_value(u.deg**-1) for par in self.parameters)
        return u.Quantity(np.maximum(1 + gx * x + gy * y, 0.0)[None])

    def copy(self) -> "FoVGradientSpatialModel":
        """Return an independent copy."""
        new = copy(self)
        new.gx, new.gy = self.parameters.copy()
        return new

    def to_dict(self) -> dict[str, Any]:
        """Return the model as plain values."""
        place = {} if self.pointing_deg is None else {"pointing_deg": list(self.pointing_deg)}
        extra = {"alignment": self.alignment, **place, "rotation_deg": self.rotation_deg}
        return {"spatial": {"type": self.tag[0], "parameters": self.parameters.to_dict(), **extra}}

    @classmethod
    def from_parameters(cls, parameters: Parameters, **kwargs: Any) -> "FoVGradientSpatialModel":
        """Return a model that holds these parameters."""
        fields: dict[str, Any] = {par.name: par for par in parameters}
        return cls(**fields, **kwargs)

    def rows(self) -> dict[str, str]:
        """Return one line of text a parameter, and the place."""
        place = "none yet" if self.pointing_deg is None else f"({', '.join(f'{x:.6g}' for x in self.pointing_deg)}) deg"
        turned = f", zenith at {self.rotation_deg:.4g} deg" if self.alignment == "ALTAZ" else ""
        return {par.name: row(par) for par in self.parameters} | {
            "alignment": f"{self.alignment}{turned}",
            "pointing": place,
        }

    def __repr__(self) -> str:
        values = ", ".join(f"{par.name}={short(par)}" for par in self.parameters)
        return f"FoVGradientSpatialModel({values}, alignment={self.alignment!r})"

    def __str__(self) -> str:
        return text_summary("FoVGradientSpatialModel", self.rows())

    def _repr_html_(self) -> str:
        return html_summary("FoVGradientSpatialModel", self.rows())


def towards_zenith(x_deg: FloatArray, y_deg: FloatArray, rotation_deg: float) -> tuple[FloatArray, FloatArray]:
    """Return field-of-view longitude and latitude aligned with the zenith, from those aligned with RADEC.

    A rotation by the position angle q of the zenith, north through east, and a reflection, on the sphere. Near the
    pointing it is x' = -(x cos q + y sin q), y' = -x sin q + y cos q.

    Examples
    --------
    >>> x, y = towards_zenith(np.array([0.0, 1.0]), np.array([1.0, 0.0]), rotation_deg=90)
    >>> (x.round(6) + 0).tolist(), (y.round(6) + 0).tolist()
    ([-1.0, 0.0], [0.0, -1.0])
    """
    lon, lat, turn = np.deg2rad(x_deg), np.deg2rad(y_deg), np.deg2rad(rotation_deg)
    ahead, side, up = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    new_side = -(side * np.cos(turn) + up * np.sin(turn))
    new_up = up * np.cos(turn) - side * np.sin(turn)
    return np.rad2deg(np.arctan2(new_side, ahead)), np.rad2deg(np.arctan2(new_up, np.hypot(new_side, ahead)))


def _angles(name: str, angles: Any, size: int) -> tuple[float, ...]:
    try:
        found = np.asarray([float(angle) for angle in angles])
    except (TypeError, ValueError):
        found = np.zeros(0)
    if len(found) != size or not np.all(np.isfinite(found)):
        msg = f"{name} is {angles!r}; expected {size} finite number(s) of degrees"
        raise ModelError(msg)
    return tuple(found.tolist())
