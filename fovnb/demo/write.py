"""The simulated runs as GADF files: one FITS file a run, the two index files, and the truth beside them.

The same plan and seed give the same bytes: gzip's time stamp is left out.
"""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time

from fovnb.demo.instrument import HI_THRESHOLD_TEV, Irfs, make_irfs, threshold_tev
from fovnb.demo.simulate import (
    ALTITUDE_M,
    DEADC,
    GEOLAT_DEG,
    GEOLON_DEG,
    ONTIME,
    SOURCES,
    RunPlan,
    draw_background,
    draw_source,
    plan_run,
)
from fovnb.text import html_summary
from fovnb.types import FloatArray

__all__ = ["RunTruth", "write_survey"]

GADF = {
    "HDUCLASS": "GADF",
    "HDUDOC": "https://github.com/open-gamma-ray-astro/gamma-astro-data-formats",
    "HDUVERS": "0.2",
}
CLOCK = {
    "MJDREFI": 51910,
    "MJDREFF": 0.000742870370370241,
    "TIMEUNIT": "s",
    "TIMESYS": "TT",
    "TIMEREF": "LOCAL",
}
SITE = {"GEOLON": GEOLON_DEG, "GEOLAT": GEOLAT_DEG, "ALTITUDE": ALTITUDE_M}
CREATION = {
    "CREATOR": "fovnb",
    "TELESCOP": "DEMO",
    "INSTRUME": "fovnb demo array",
    "EV_CLASS": "demo",
    "EUNIT": "TeV",
    "OBS_MODE": "WOBBLE",
}
HDU_CLASSES = {
    "events": "events",
    "gti": "gti",
    "aeff": "aeff_2d",
    "edisp": "edisp_2d",
    "psf": "psf_table",
    "bkg": "bkg_3d",
}
OBS_UNITS = {"deg": ("_PNT", "_OBJ", "_OFFSET"), "s": ("TIME", "TSTART", "TSTOP"), "TeV": ("_ENERGY_LO", "_ENERGY_HI")}


@dataclass(frozen=True)
class RunTruth:
    """What was put into a run: background = norm (E / reference_tev)^-tilt times the response, and the events drawn."""

    obs_id: int
    norm: float
    tilt: float
    reference_tev: float
    background_events: int
    source_events: int

    def _repr_html_(self) -> str:
        return html_summary(type(self).__name__, asdict(self))


def write_survey(folder: Path, runs: int, seed: int, label: str) -> None:
    """Write ``runs`` runs, their index and ``truth.ecsv`` with ``label`` in its header into an existing folder."""
    (folder / "data").mkdir()
    obs_rows: list[dict[str, object]] = []
    hdu_rows: list[dict[str, object]] = []
    truths = []
    for index in range(runs):
        rng = np.random.default_rng([seed, index])
        plan = plan_run(index, rng)
        hdus, truth = simulate_run(plan, rng)
        name = f"fovnb_demo_obs_id_{plan.obs_id:06d}.fits.gz"
        write_gzip(folder / "data" / name, hdus)
        obs_rows.append(obs_row(plan, truth))
        hdu_rows.extend(hdu_row(plan.obs_id, name, hdu) for hdu in hdus[1:])
        truths.append(truth)
    write_index(folder / "hdu-index.fits.gz", "HDU", hdu_rows, {})
    write_index(folder / "obs-index.fits.gz", "OBS", obs_rows, CLOCK | SITE)
    meta = {"label": label, "seed": seed, "sources": [asdict(source) for source in SOURCES]}
    Table([asdict(truth) for truth in truths], meta=meta).write(folder / "truth.ecsv", format="ascii.ecsv")


def simulate_run(plan: RunPlan, rng: np.random.Generator) -> tuple[fits.HDUList, RunTruth]:
    """Return the run's file and its truth."""
    irfs = make_irfs(90 - plan.alt_deg)
    energy, x, y = draw_background(irfs.bkg, plan.norm, plan.tilt, ONTIME, rng)
    # GADF: with FOVALIGN = RADEC the field-of-view longitude grows towards smaller right ascension
    frame = plan.pointing.skyoffset_frame()
    parts = [(energy, SkyCoord(-x, y, unit="deg", frame=frame).icrs)]
    parts += [draw_source(source, irfs, plan.pointing, ONTIME * DEADC, rng) for source in SOURCES]
    signal = sum(part[0].size for part in parts[1:])
    truth = RunTruth(plan.obs_id, plan.norm, plan.tilt, 1.0, energy.size, signal)
    energy = np.concatenate([part[0] for part in parts])
    radec = np.concatenate([[part[1].ra.deg, part[1].dec.deg] for part in parts], axis=1)
    tables = [events_hdu(plan, energy, radec, rng), gti_hdu(plan), *irf_hdus(irfs)]
    return fits.HDUList([fits.PrimaryHDU(), *tables]), truth


def events_hdu(plan: RunPlan, energy: FloatArray, radec: FloatArray, rng: np.random.Generator) -> fits.BinTableHDU:
    """Return the events at random times within the run, in order of time."""
    order = rng.permutation(energy.size)
    columns = [
        fits.Column("EVENT_ID", "1K", array=np.arange(1, energy.size + 1)),
        fits.Column("TIME", "1D", unit="s", array=np.sort(rng.uniform(plan.tstart, plan.tstop, energy.size))),
        fits.Column("RA", "1E", unit="deg", array=radec[0, order]),
        fits.Column("DEC", "1E", unit="deg", array=radec[1, order]),
        fits.Column("ENERGY", "1E", unit="TeV", array=energy[order]),
    ]
    hdu = fits.BinTableHDU.from_columns(columns, name="EVENTS")
    hdu.header.update(GADF | {"HDUCLAS1": "EVENTS", "RADECSYS": "ICRS", "EQUINOX": 2000.0} | CLOCK | SITE)
    hdu.header.update(run_keywords(plan) | CREATION)
    return hdu


def gti_hdu(plan: RunPlan) -> fits.BinTableHDU:
    """Return the one good time interval of the run."""
    edges = {"START": plan.tstart, "STOP": plan.tstop}
    columns = [fits.Column(name, "1D", unit="s", array=[value]) for name, value in edges.items()]
    hdu = fits.BinTableHDU.from_columns(columns, name="GTI")
    hdu.header.update(GADF | {"HDUCLAS1": "GTI", "OBS_ID": plan.obs_id} | CLOCK)
    return hdu


def irf_hdus(irfs: Irfs) -> list[fits.BinTableHDU]:
    """Return the four responses under the names that the index gives them."""
    hdus = []
    for name in ("aeff", "edisp", "psf", "bkg"):
        hdu = getattr(irfs, name).to_table_hdu()
        hdu.name = name.upper()
        hdus.append(hdu)
    return hdus


def run_keywords(plan: RunPlan) -> dict[str, object]:
    """Return what the header of the events and the observation index say of a run in the same words."""
    reference = Time(CLOCK["MJDREFI"], CLOCK["MJDREFF"], format="mjd", scale="tt")
    start, stop = reference + plan.tstart * u.s, reference + plan.tstop * u.s
    galactic, target = plan.pointing.galactic, SOURCES[0]
    return {
        "OBS_ID": plan.obs_id,
        "RA_PNT": plan.ra_deg,
        "DEC_PNT": plan.dec_deg,
        "GLON_PNT": float(galactic.l.deg),
        "GLAT_PNT": float(galactic.b.deg),
        "ALT_PNT": plan.alt_deg,
        "AZ_PNT": plan.az_deg,
        "OBJECT": target.name,
        "RA_OBJ": target.ra_deg,
        "DEC_OBJ": target.dec_deg,
        "ONTIME": ONTIME,
        "LIVETIME": ONTIME * DEADC,
        "DEADC": DEADC,
        "TSTART": plan.tstart,
        "TSTOP": plan.tstop,
        "DATE-OBS": start.isot[:10],
        "TIME-OBS": start.isot[11:],
        "DATE-END": stop.isot[:10],
        "TIME-END": stop.isot[11:],
        "N_TELS": 4,
        "TELLIST": "1,2,3,4",
        "MUONEFF": 1.0,
    }


def obs_row(plan: RunPlan, truth: RunTruth) -> dict[str, object]:
    """Return the run's row of the observation index."""
    target = SOURCES[0]
    offset = float(plan.pointing.separation(target.position).deg)
    own = {
        "ZEN_PNT": 90 - plan.alt_deg,
        "OFFSET_OBJ": offset,
        "QUALITY": 0,
        "EVENT_COUNT": truth.background_events + truth.source_events,
        "TARGET_NAME": target.name,
        "TARGET_TAG": target.name.lower().replace(" ", "-"),
        "TARGET_OFFSET": offset,
        "SAFE_ENERGY_LO": threshold_tev(90 - plan.alt_deg),
        "SAFE_ENERGY_HI": HI_THRESHOLD_TEV,
    }
    return run_keywords(plan) | own


def hdu_row(obs_id: int, file_name: str, hdu: fits.BinTableHDU) -> dict[str, object]:
    """Return the row of the HDU index that finds ``hdu``."""
    kind = hdu.name.lower()
    place = {"FILE_DIR": "data", "FILE_NAME": file_name, "HDU_NAME": kind, "SIZE": hdu.filebytes()}
    return {"OBS_ID": obs_id, "HDU_TYPE": kind, "HDU_CLASS": HDU_CLASSES[kind]} | place


def write_index(path: Path, kind: str, rows: Iterable[Mapping[str, object]], header: dict[str, object]) -> None:
    """Write the HDU or OBS index."""
    table = Table(rows=[dict(row) for row in rows])
    for unit, endings in OBS_UNITS.items():
        for name in table.colnames:
            if name.endswith(endings):
                table[name].unit = unit
    hdu = fits.BinTableHDU(table, name=f"{kind}_INDEX")
    hdu.header.update(GADF | {"HDUCLAS1": "INDEX", "HDUCLAS2": kind, **header})
    write_gzip(path, fits.HDUList([fits.PrimaryHDU(), hdu]))


def write_gzip(path: Path, hdus: fits.HDUList) -> None:
    """Write a compressed FITS file without the time of writing."""
    buffer = BytesIO()
    hdus.writeto(buffer)
    path.write_bytes(gzip.compress(buffer.getvalue(), compresslevel=6, mtime=0))
