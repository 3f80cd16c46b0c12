"""Runs with known truth: where they point, what lies in their fields, and the events that follow.

Every draw thins a Poisson process: candidates come from a bound that is easy to draw from, and each is kept with the
probability (density / bound). Numbers and distributions are exact, with no integral to approximate.
"""

from dataclasses import asdict, dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import FK5, SkyCoord
from astropy.time import Time

from fovnb.demo.instrument import Irfs
from fovnb.irf import Background3D
from fovnb.text import html_summary
from fovnb.types import FloatArray

__all__ = ["SOURCES", "PointSource", "RunPlan", "draw_background", "draw_source", "plan_run"]

GEOLON_DEG, GEOLAT_DEG, ALTITUDE_M = -17.89, 28.76, 2200.0
MJD_REFERENCE = 51910.000742870370241  # 2001-01-01 00:00 UTC as TT
TT_MINUS_UTC = 69.184  # s, since 2017
FIRST_START = 724113000.0  # s after the reference: 2023-12-12, 40 deg from the zenith
SIDEREAL_DAY = 86164.0905
RUNS_PER_NIGHT, RUN_SPACING, ONTIME, DEADC = 8, 1800.0, 1680.0, 0.94


@dataclass(frozen=True)
class PointSource:
    """A point source with the spectrum dN/dE = amplitude (E / 1 TeV)^-index, amplitude in cm-2 s-1 TeV-1.

    ``exclusion_deg`` is the radius outside which its events can be neglected.
    """

    name: str
    ra_deg: float
    dec_deg: float
    amplitude: float
    index: float
    exclusion_deg: float

    @property
    def position(self) -> SkyCoord:
        """The position on the sky, ICRS."""
        return SkyCoord(self.ra_deg, self.dec_deg, unit="deg", frame="icrs")

    def _repr_html_(self) -> str:
        return html_summary(type(self).__name__, asdict(self))


SOURCES = (
    PointSource("Demo Crab", 83.6333, 22.0145, 3.45e-11, 2.63, 0.35),
    PointSource("Demo neighbour", 84.35, 22.75, 3.5e-12, 2.4, 0.3),
)


@dataclass(frozen=True)
class RunPlan:
    """One run before its events are drawn; times in s after the mission's reference, angles in deg."""

    obs_id: int
    tstart: float
    ra_deg: float
    dec_deg: float
    alt_deg: float
    az_deg: float
    norm: float
    tilt: float

    @property
    def tstop(self) -> float:
        """The end of the run."""
        return self.tstart + ONTIME

    @property
    def pointing(self) -> SkyCoord:
        """The pointing position, ICRS."""
        return SkyCoord(self.ra_deg, self.dec_deg, unit="deg", frame="icrs")


def plan_run(index: int, rng: np.random.Generator) -> RunPlan:
    """Return the plan of the run number ``index`` (0, 1, ...).

    Runs come as pairs at opposite sides of the first source; each pair turns by the golden angle, at 0.7, 1.4, 2.1 and
    2.8 deg in turn, so that many runs make a survey. The true norm is drawn log-normal around 1 with a width of
    0.15, the true tilt normal around 0 with 0.1.
    """
    pair, side = divmod(index, 2)
    angle = (137.508 * pair + 180 * side) * u.deg
    pointing = SOURCES[0].position.directional_offset_by(angle, 0.7 * (1 + pair % 4) * u.deg)
    night, slot = divmod(index, RUNS_PER_NIGHT)
    tstart = round(FIRST_START + night * SIDEREAL_DAY + slot * RUN_SPACING, 0)
    alt, az = _horizontal(pointing, tstart + ONTIME / 2)
    norm, tilt = float(np.exp(rng.normal(0, 0.15))), float(rng.normal(0, 0.1))
    return RunPlan(index + 1, tstart, float(pointing.ra.deg), float(pointing.dec.deg), alt, az, norm, tilt)


def draw_background(
    bkg: Background3D, norm: float, tilt: float, ontime: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return energies [TeV], field-of-view longitudes and latitudes [deg] of background events.

    The density is norm (E / 1 TeV)^-tilt times the response, which is interpolated exactly as a prediction does it,
    between the first and the last node in energy.
    """
    energy_nodes = bkg.axes["energy"].center.to_value("TeV")
    peak = bkg.quantity.to_value("TeV-1 s-1 sr-1").max(axis=(1, 2))  # never exceeded between the nodes
    edges = [bkg.axes[name].edges.to_value("rad") for name in ("fov_lon", "fov_lat")]
    box_sr = np.prod([edge[-1] - edge[0] for edge in edges])
    energy = draw_power_laws(energy_nodes, norm * energy_nodes**-tilt * peak * box_sr * ontime, rng)
    x, y = (rng.uniform(edge[0], edge[-1], energy.size) for edge in edges)
    density = bkg.evaluate(energy=energy * u.TeV, fov_lon=x * u.rad, fov_lat=y * u.rad).to_value("TeV-1 s-1 sr-1")
    bound = np.exp(np.interp(np.log(energy), np.log(energy_nodes), np.log(peak)))
    kept = rng.random(energy.size) * bound < density * np.cos(y)
    return energy[kept], np.degrees(x[kept]), np.degrees(y[kept])


def draw_source(
    source: PointSource, irfs: Irfs, pointing: SkyCoord, livetime: float, rng: np.random.Generator
) -> tuple[FloatArray, SkyCoord]:
    """Return reconstructed energies [TeV] and positions of a source's events, folded through the responses."""
    offset = pointing.separation(source.position)
    if offset > irfs.aeff.axes["offset"].edges[-1]:
        return np.empty(0), SkyCoord([], [], unit="deg")
    span = irfs.aeff.axes["energy_true"].center[[0, -1]].to_value("TeV")
    area = irfs.aeff.quantity.to_value("cm2").max()
    energy_true = draw_power_laws(span, source.amplitude * span**-source.index * area * livetime, rng)
    seen = irfs.aeff.evaluate(energy_true=energy_true * u.TeV, offset=offset).to_value("cm2")
    energy_true = energy_true[rng.random(energy_true.size) * area < seen]
    migra, rad = irfs.edisp.axes["migra"], irfs.psf.axes["rad"]
    column = {"energy_true": energy_true[:, None] * u.TeV, "offset": offset}
    ratio = draw_rows(_values(irfs.edisp.evaluate(**column, migra=migra.center)), _values(migra.edges), rng)
    density = _values(irfs.psf.evaluate(**column, rad=rad.center)) * rad.center.value
    distance = draw_rows(density, rad.edges.value, rng) * rad.unit
    angle = rng.uniform(0, 360, energy_true.size) * u.deg
    return energy_true * ratio, source.position.directional_offset_by(angle, distance)


def draw_power_laws(energy: FloatArray, density: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the energies of a Poisson process whose density is a power law between each two nodes.

    With x = ln E and g = E * density = g_0 exp(s (x - x_0)) a segment of width w holds g_0 (exp(s w) - 1) / s events,
    and the quantile q lies at x_0 + ln(1 + q (exp(s w) - 1)) / s.
    """
    x, per_log_energy = np.log(energy), energy * density
    width = np.diff(x)
    slope = np.diff(np.log(per_log_energy)) / width
    slope = np.where(slope == 0, 1e-9, slope)
    growth = np.expm1(slope * width)
    number = rng.poisson(per_log_energy[:-1] * growth / slope)
    segment = np.repeat(np.arange(number.size), number)
    quantile = rng.random(segment.size)
    drawn: FloatArray = np.exp(x[segment] + np.log1p(quantile * growth[segment]) / slope[segment])
    return drawn


def draw_rows(density: FloatArray, edges: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return one value per row of ``density``, shape (n, bins), which is constant within each bin."""
    cumulative = np.cumsum(density * np.diff(edges), axis=1)
    level = rng.random(len(density)) * cumulative[:, -1]
    index = np.argmax(cumulative > level[:, None], axis=1)
    drawn: FloatArray = edges[index] + rng.random(len(density)) * np.diff(edges)[index]
    return drawn


def _values(quantity: u.Quantity) -> FloatArray:
    return np.asarray(u.Quantity(quantity).value)


def _horizontal(pointing: SkyCoord, met: float) -> tuple[float, float]:
    """Return altitude and azimuth (north through east) in deg, from the mean sidereal time (Meeus 1998, eq. 12.4).

    Astropy's AltAz would read the Earth's rotation tables for a second; this is as good as 0.02 deg.
    """
    days = MJD_REFERENCE - TT_MINUS_UTC / 86400 + met / 86400 - 51544.5
    of_date = pointing.transform_to(FK5(equinox=Time(2000 + days / 365.25, format="jyear")))
    hour = np.radians(280.46061837 + 360.98564736629 * days + GEOLON_DEG) - of_date.ra.rad
    dec, lat = of_date.dec.rad, np.radians(GEOLAT_DEG)
    alt = np.arcsin(np.sin(lat) * np.sin(dec) + np.cos(lat) * np.cos(dec) * np.cos(hour))
    az = np.arctan2(-np.cos(dec) * np.sin(hour), np.sin(dec) * np.cos(lat) - np.cos(dec) * np.sin(lat) * np.cos(hour))
    return float(np.degrees(alt)), float(np.degrees(az) % 360)
