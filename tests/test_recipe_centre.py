"""Axes said in another way, and centres from pointings, names and frames."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.coordinates.name_resolve import sesame_url

from fovnb.errors import DataError, InvalidInputError, RecipeError
from fovnb.recipe import EnergyBounds, Geometry
from fovnb.recipe.axes import as_bounds, as_edges
from fovnb.recipe.centre import centred, in_frame, mean_pointing, position_of


class Names(BaseHTTPRequestHandler):
    """Answers as a name server does."""

    def do_GET(self) -> None:
        """Know one object."""
        known = b"# Crab\n%J 83.6333 +22.0145 = 05:34:31.9 +22:00:52\n"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(known if self.path.endswith("Crab%20Nebula") else b"#! nothing found\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Names) as names:
        thread = Thread(target=names.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{names.server_port}/"
        finally:
            names.shutdown()
            thread.join()


def test_a_name_is_looked_up(server: str) -> None:
    with sesame_url.set([server]):
        found = position_of(" Crab Nebula ")
    assert (found.ra.deg, found.dec.deg) == pytest.approx((83.6333, 22.0145))


def test_an_unknown_name_is_not_the_same_as_no_network(server: str) -> None:
    with sesame_url.set([server]), pytest.raises(InvalidInputError, match="'Crap' is not known"):
        position_of("Crap")
    with sesame_url.set(["http://127.0.0.1:9/"]), pytest.raises(DataError, match="without a network; type the coord"):
        position_of("Crab Nebula")
    with pytest.raises(InvalidInputError, match="no name to look up"):
        position_of("  ")


def test_the_centre_stays_where_it_is_in_another_frame() -> None:
    here = Geometry(width_deg=(4.0, 3.0))
    for frame in ("galactic", "fk5"):
        there = in_frame(here, frame)
        assert (there.frame, there.width_deg) == (frame, here.width_deg)
        places = [SkyCoord(one.lon_deg, one.lat_deg, unit="deg", frame=one.frame) for one in (here, there)]
        assert places[0].separation(places[1].icrs).arcsec < 0.05
    assert in_frame(here, "icrs") is here


def test_the_mean_pointing_knows_that_the_sky_is_round() -> None:
    assert mean_pointing([(359, 0), (3, 0), (np.nan, 5)]).ra.deg == pytest.approx(1)
    assert mean_pointing([(10, 89), (190, 89)]).dec.deg == pytest.approx(90)
    assert centred(Geometry(), mean_pointing([(83.2, 21.5), (83.2, 22.5)])).lon_deg == 83.2
    for places in ([], [(0, 0), (180, 0)], [(np.nan, np.nan)]):
        with pytest.raises(InvalidInputError, match="have no mean pointing"):
            mean_pointing(places)


def test_edges_are_those_of_the_bounds_and_back() -> None:
    bounds = EnergyBounds(0.5, 10.0, 5)
    edges = as_edges(bounds)
    np.testing.assert_allclose(edges.edges_tev, np.geomspace(0.5, 10, 6), rtol=5e-4)
    assert edges.edges_tev[1] == 0.9103
    assert as_bounds(edges) == bounds
    assert as_edges(edges) is edges
    assert as_bounds(bounds) is bounds
    with pytest.raises(RecipeError):
        as_edges(EnergyBounds(1.0, 1.001, 100))
