"""Maps drawn on matplotlib axes. Nothing is computed here.

Figures are made without pyplot, except where neither axes nor figure are given: a notebook shows pyplot's by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.maps import Map, WcsGeom
from fovnb.text import html_summary
from fovnb.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Panel", "plot_map", "plot_maps_row", "plot_regions", "sky_axes"]

MASKED = "0.8"
AXIS_LABELS = {"galactic": ("Galactic longitude", "Galactic latitude")}
STRETCHES = ("linear", "sqrt", "log", "asinh")


@dataclass(frozen=True, eq=False, repr=False)
class Panel:
    """One image of a row: the map, its title, and the options of `plot_map`."""

    map: Map
    title: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Panel({self.title!r})"

    def _repr_html_(self) -> str:
        return html_summary("Panel", {"title": self.title})


def plot_map(
    map: Map,  # noqa: A002 - the name that every map plot has
    ax: Any = None,
    fig: "Figure | None" = None,
    add_cbar: bool = False,
    stretch: str = "linear",
    kwargs_colorbar: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Draw an image on sky axes and return these; pixels that are NaN are grey.

    Parameters
    ----------
    map : Map
        An image; axes of length 1 are left out, masks drawn as 0 and 1.
    ax : WCSAxes, optional
        Where to draw; by default new axes in ``fig``.
    fig : Figure, optional
        By default a new one of pyplot, which a notebook shows.
    add_cbar : bool
        Whether to draw a colour bar.
    stretch : {"linear", "sqrt", "log", "asinh"}
        The colour scale.
    kwargs_colorbar : dict, optional
        For ``Figure.colorbar``; the label is the unit by default.
    **kwargs
        For ``Axes.imshow``, such as ``cmap``, ``vmin``, ``vmax``.

    Raises
    ------
    InvalidInputError
        If the map is no image, or the stretch is unknown.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> image = Map.from_geom(WcsGeom.create(width=1, binsz=0.1))
    >>> plot_map(image, fig=Figure(), vmin=0, vmax=1).images[0].get_array().shape
    (10, 10)
    """
    data = _image(map)
    ax = sky_axes(map.geom, fig) if ax is None else ax
    norm = kwargs.pop("norm", None) or _norm(data, stretch, kwargs.pop("vmin", None), kwargs.pop("vmax", None))
    options = {"origin": "lower", "interpolation": "nearest", "cmap": "gray" if map.is_mask else "afmhot"} | kwargs
    image = ax.imshow(np.ma.masked_invalid(data), norm=norm, **options)
    image.set_cmap(image.get_cmap().with_extremes(bad=MASKED))
    ax.autoscale(enable=False)
    if add_cbar:
        beside = ax.inset_axes((1.04, 0, 0.05, 1))  # as high as the image, whatever the layout
        ax.figure.colorbar(image, cax=beside, **{"label": map.unit.to_string("unicode")} | dict(kwargs_colorbar or {}))
    return ax


def plot_regions(regions: Iterable[Any], ax: Any, **kwargs: Any) -> list[Any]:
    """Draw the outlines of sky regions on sky axes and return the artists; circles are true circles on the sky.

    Parameters
    ----------
    regions : iterable of SkyRegion
        Regions of the `regions` package.
    ax : WCSAxes
        Where to draw.
    **kwargs
        For the patches, such as ``edgecolor``.

    Raises
    ------
    InvalidInputError
        If these are no sky axes.

    Examples
    --------
    >>> from astropy import units as u
    >>> from matplotlib.figure import Figure
    >>> from regions import CircleSkyRegion
    >>> geom = WcsGeom.create(width=1, binsz=0.1)
    >>> ax = plot_map(Map.from_geom(geom), fig=Figure())
    >>> len(plot_regions([CircleSkyRegion(geom.center_skydir, 0.2 * u.deg)], ax))
    1
    """
    from matplotlib.patheffects import withStroke

    if not hasattr(ax, "wcs"):
        msg = f"a {type(ax).__name__} is no sky axes; give first the regions, then axes such as those of plot_map"
        raise InvalidInputError(msg)
    # white on black is seen on every colour
    style = {"facecolor": "none", "edgecolor": "white", "linewidth": 1.2}
    style |= {"path_effects": [withStroke(linewidth=2.6, foreground="black")]} | kwargs
    artists = [_outline(region, ax, style) for region in regions]
    for artist in artists:
        ax.add_artist(artist)
    return artists


def plot_maps_row(panels: Sequence[Panel], regions: Iterable[Any] = (), title: str = "") -> "Figure":
    """Return a figure of images side by side, each with its title and colour bar and the regions' outlines.

    Parameters
    ----------
    panels : sequence of Panel
        What to draw, from left to right.
    regions : iterable of SkyRegion
        Drawn on every image.
    title : str
        Title of the figure.

    Examples
    --------
    >>> image = Map.from_geom(WcsGeom.create(width=1, binsz=0.1))
    >>> [ax.get_title() for ax in plot_maps_row([Panel(image, "one"), Panel(image, "two")]).axes]
    ['one', 'two']
    """
    from matplotlib.figure import Figure

    height, width = max(panel.map.geom.to_image().data_shape for panel in panels)
    scale = min(4.0 / width, 5.0 / height)  # inches a pixel; labels and colour bars need the rest
    fig = Figure(figsize=(len(panels) * (scale * width + 1.5), scale * height + 1.1), layout="constrained")
    regions = list(regions)
    for number, panel in enumerate(panels, start=1):
        ax = sky_axes(panel.map.geom, fig, (1, len(panels), number))
        plot_map(panel.map, ax=ax, **{"add_cbar": True} | dict(panel.options))
        plot_regions(regions, ax)
        ax.set_title(panel.title)
        if number > 1:
            ax.coords[1].set_axislabel(" ")
    if title:
        fig.suptitle(title)
    return fig


def _image(map: Map) -> FloatArray:  # noqa: A002
    """Return the map's data as numbers, shape (ny, nx)."""
    if not map.geom.is_flat:
        msg = f"a map of shape {map.data.shape} is no image; take one slice or map.sum_over_axes()"
        raise InvalidInputError(msg)
    return map.data.reshape(map.geom.to_image().data_shape).astype(float)


def _norm(data: FloatArray, stretch: str, vmin: float | None, vmax: float | None) -> Any:
    """Return the colour scale, over the finite values where limits are not given."""
    from astropy.visualization import simple_norm

    if stretch not in STRETCHES:
        msg = f"{stretch!r} is no colour scale; choose from {', '.join(STRETCHES)}"
        raise InvalidInputError(msg)
    finite = data[np.isfinite(data)]
    return simple_norm(finite if finite.size else [0.0, 1.0], stretch, vmin=vmin, vmax=vmax)


def sky_axes(geom: WcsGeom, fig: "Figure | None", position: tuple[int, int, int] = (1, 1, 1)) -> Any:
    """Return new axes with the sky's coordinates in degrees; an ellipse where the map is the whole sky."""
    from astropy.visualization.wcsaxes.frame import EllipticalFrame

    if fig is None:
        from matplotlib import pyplot as plt

        fig = plt.figure()
    frame = {"frame_class": EllipticalFrame} if geom.projection == "AIT" and geom.is_allsky else {}
    ax: Any = fig.add_subplot(*position, projection=geom.wcs, **frame)
    for coord, label in zip(ax.coords, AXIS_LABELS.get(geom.frame, ("Right ascension", "Declination")), strict=True):
        coord.set_axislabel(label)
        coord.set_major_formatter("d.d")
        coord.set_ticks(number=5)
        coord.set_ticklabel(exclude_overlapping=True)
    return ax


def _outline(region: Any, ax: Any, style: Mapping[str, Any]) -> Any:
    from astropy.visualization.wcsaxes import SphericalCircle
    from regions import CircleSkyRegion

    if isinstance(region, CircleSkyRegion):
        return SphericalCircle(region.center.icrs, region.radius, transform=ax.get_transform("icrs"), **style)
    return region.to_pixel(ax.wcs).as_artist(**style)
