"""A map on sky axes, or one energy of it, with regions and the border of a mask."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from astropy import units as u

from fovnb.errors import InvalidInputError
from fovnb.maps import Map, WcsGeom
from fovnb.plots.live.marks import SIGMA, caption
from fovnb.plots.live.sticky import Sticky
from fovnb.plots.maps import MASKED, plot_map, sky_axes
from fovnb.text import Record
from fovnb.types import AnyArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["KINDS", "Image", "ImageView"]


class _Kind(NamedTuple):
    """How a kind of map is drawn: the root of the share of the scale makes faint pixels visible."""

    label: str
    cmap: str
    symmetric: bool = False
    root: bool = False
    limit: float | None = None


KINDS = {
    "counts": _Kind("Counts", "inferno", root=True),
    "background": _Kind("Background", "inferno", root=True),
    "exposure": _Kind("Exposure [m² s]", "viridis"),
    "excess": _Kind("Excess", "RdBu_r", symmetric=True),
    "significance": _Kind(f"Significance [{SIGMA}]", "RdBu_r", symmetric=True, limit=5),
    "mask": _Kind("Used", "gray", limit=1),
}
"""The kinds of maps, with their labels and colours."""

_TICKS = (0.0, 0.5, 1.0)  # of the colour bar


@dataclass(frozen=True, eq=False, repr=False)
class Image(Record):
    """What an `ImageView` shows.

    Parameters
    ----------
    map : Map
        An image, or a cube of which one plane is shown.
    index : int, optional
        The plane.
    regions : tuple of SkyRegion
        To be outlined.
    mask : Map, optional
        A boolean image on the same pixels, True = used; its borders are drawn.
    title : str
        Stands above the image.
    limit : float, optional
        End of the colour scale; by default a round number above the largest value, which does not follow every change.
    """

    map: Map
    index: int | None = None
    regions: tuple[Any, ...] = ()
    mask: Map | None = None
    title: str = ""
    limit: float | None = None

    @property
    def values(self) -> AnyArray:
        """The pixels, shape (ny, nx).

        Raises
        ------
        InvalidInputError
            If the map has several planes and there is no such index.
        """
        planes = self.map.data.reshape(-1, *self.map.geom.to_image().data_shape)
        index = 0 if self.index is None and len(planes) == 1 else self.index
        if index is None or not 0 <= index < len(planes):
            msg = (
                f"plane {index} of a map of shape {self.map.data.shape} is asked for; give an index below {len(planes)}"
            )
            raise InvalidInputError(msg)
        return np.asarray(planes[index])

    def _rows(self) -> dict[str, object]:
        return {"title": self.title, "shape": self.map.data.shape, "index": self.index, "regions": len(self.regions)}


class ImageView:
    """Draws maps of one kind; what is not finite is grey.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    label : str
        In place of the label of the kind.

    Raises
    ------
    InvalidInputError
        If the kind is unknown.

    Examples
    --------
    >>> image = Map.from_geom(WcsGeom.create(npix=(2, 1), binsz=0.1), data=[[1, 3]])
    >>> ImageView("counts").alt(Image(image, title="1 to 10 TeV"))
    'Counts, 1 to 10 TeV: 1 to 3, mean 2, in 2 x 1 pixels.'
    """

    def __init__(self, kind: str, label: str = "") -> None:
        if kind not in KINDS:
            msg = f"{kind!r} is no kind of map; choose from {', '.join(KINDS)}"
            raise InvalidInputError(msg)
        self._kind = KINDS[kind]._replace(label=label) if label else KINDS[kind]
        self._sticky = Sticky()

    def key(self, record: Image) -> Hashable:
        """Return the pixels' geometry; the numbers of the colour bar follow the record."""
        return record.map.geom.to_image()

    def start(self, figure: "Figure", record: Image) -> None:
        """Draw sky axes and an empty colour bar."""
        from matplotlib import colormaps

        geom = record.map.geom.to_image()
        colors = colormaps[self._kind.cmap].with_extremes(bad=MASKED)
        self._colors = colors(np.ma.masked_equal(np.arange(257), 256), bytes=True)
        ax = sky_axes(geom, figure)
        width, height = figure.bbox.width, figure.bbox.height
        ax.set_position((72 / width, 46 / height, 1 - 176 / width, 1 - 74 / height))
        plot_map(Map.from_geom(geom), ax=ax, cmap=self._kind.cmap, vmin=0, vmax=1)
        self._image = ax.images[0]
        bar = ax.inset_axes((1.04, 0, 0.05, 1))
        bar.imshow(np.arange(256)[:, None], cmap=self._kind.cmap, aspect="auto", origin="lower", extent=(0, 1, 0, 1))
        bar.set(xticks=[], yticks=_TICKS, yticklabels=[], ylabel=self._kind.label)
        bar.yaxis.tick_right()
        bar.yaxis.set_label_coords(1 + 68 / bar.bbox.width, 0.5)
        style = {"va": "center", "fontsize": 9, "transform": bar.transAxes}
        self._numbers = [bar.text(1.5, tick, "", **style) for tick in _TICKS]
        # white on black is seen on every colour
        self._lines = [
            ax.plot([], [], color=color, linewidth=width)[0] for color, width in (("black", 3), ("white", 1.3))
        ]
        self._known: dict[int, tuple[Any, FloatArray]] = {}
        self._caption = caption(ax)

    def update(self, record: Image) -> "Sequence[Artist]":
        """Show the record."""
        values = record.values
        low, high = self._scale(record, values)
        self._image.set_data(self._colors[_color_index(values, low, high, self._kind.root)])
        for text, tick in zip(self._numbers, _TICKS, strict=True):
            number = low + (high - low) * (tick**2 if self._kind.root else tick)
            text.set_text(f"{number:.3g}".replace("-", "−"))  # noqa: RUF001 - as on all axes
        for line in self._lines:
            line.set_data(*_joined(self._outlines(record)))
        self._caption.set_text(record.title)
        return [self._image, *self._lines, *self._numbers, self._caption]

    def alt(self, record: Image) -> str:
        """Return range and mean of the image."""
        known = record.values[np.isfinite(record.values)].astype(float)
        what = f"{self._kind.label}, {record.title}" if record.title else self._kind.label
        if not known.size:
            return f"{what}: no pixel has a value."
        ny, nx = record.values.shape
        regions = f", regions: {len(record.regions)}" if record.regions else ""
        return (
            f"{what}: {known.min():.4g} to {known.max():.4g}, mean {known.mean():.4g}, in {nx} x {ny} pixels{regions}."
        )

    def _outlines(self, record: Image) -> list[FloatArray]:
        """Return the outlines of regions and mask; those of regions that were there before are remembered."""
        geom, known = record.map.geom.to_image(), self._known
        self._known = {id(one): known.get(id(one)) or (one, _outline(one, geom)) for one in record.regions}
        border = [] if record.mask is None else [_borders(record.mask.data.squeeze())]
        return [*border, *(line for _, line in self._known.values())]

    def _scale(self, record: Image, values: AnyArray) -> tuple[float, float]:
        """Return the ends of the colour scale."""
        high = record.limit or self._kind.limit
        if high is None:
            finite = np.abs(values[np.isfinite(values)])
            high = self._sticky.around([0, max(float(finite.max(initial=0)), 1e-30)])[1]
        return (-high if self._kind.symmetric else 0.0), high


def _color_index(values: AnyArray, low: float, high: float, root: bool) -> AnyArray:
    """Return the number of each pixel's colour, 0 to 255, or 256 where it has no value."""
    share = np.clip((values.astype(np.float32) - low) / (high - low), 0, 1)
    index = 255.5 * (np.sqrt(share) if root else share)
    return np.where(np.isfinite(index), index, 256).astype(np.intp)


def _joined(lines: Sequence[FloatArray]) -> FloatArray:
    """Return lines, shape (n, 2) each, as one with gaps, shape (2, n)."""
    gap = np.full((1, 2), np.nan)
    return np.concatenate([part for line in lines for part in (line, gap)] or [gap]).T


def _outline(region: Any, geom: WcsGeom) -> FloatArray:
    """Return the outline of a region in pixels, shape (n, 2); circles are true circles on the sky."""
    from regions import CircleSkyRegion

    return _circle(region, geom) if isinstance(region, CircleSkyRegion) else _polygon(region, geom)


def _circle(region: Any, geom: WcsGeom) -> FloatArray:
    around = region.center.transform_to(geom.frame)
    edge = around.directional_offset_by(np.linspace(0, 2 * np.pi, 73) * u.rad, region.radius)
    return np.column_stack(geom.coord_to_pix(edge))


def _polygon(region: Any, geom: WcsGeom) -> FloatArray:
    patch = region.to_pixel(geom.wcs).as_artist()
    return np.concatenate(patch.get_transform().transform_path(patch.get_path()).to_polygons())


def _borders(used: AnyArray) -> FloatArray:
    """Return the sides between pixels that a mask tells apart, as lines with gaps in pixels, shape (n, 2)."""
    lat, lon = np.nonzero(used[1:] != used[:-1])
    across = [(lon - 0.5, lat + 0.5), (lon + 0.5, lat + 0.5)]
    lat, lon = np.nonzero(used[:, 1:] != used[:, :-1])
    upwards = [(lon + 0.5, lat - 0.5), (lon + 0.5, lat + 0.5)]
    return np.concatenate([_with_gaps(np.array(ends)) for ends in (across, upwards)])


def _with_gaps(ends: FloatArray) -> FloatArray:
    """Return lines from their ends, shape (2, xy, n), as one with gaps, shape (3 n, 2)."""
    return np.concatenate([ends, np.full((1, *ends.shape[1:]), np.nan)]).transpose(2, 0, 1).reshape(-1, 2)
