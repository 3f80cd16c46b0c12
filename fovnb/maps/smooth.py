"""Smoothing, convolution and the growing and shrinking of masks, plane by plane, on plain arrays.

Widths are in pixels. Beyond its edge an image continues as its mirror image when it is smoothed, as zeros when it is
convolved, and as False when a mask grows or shrinks.
"""

from typing import Any

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.types import AnyArray, BoolArray

__all__ = ["convolve", "dilate", "disk", "erode", "odd_pixels", "smooth"]


def disk(radius: float) -> AnyArray:
    """Return 1 where a pixel's centre is at most ``radius`` from the central one, else 0; the side is odd.

    Examples
    --------
    >>> disk(1).astype(int)
    array([[0, 1, 0],
           [1, 1, 1],
           [0, 1, 0]])
    """
    half = int(np.ceil(2 * radius)) // 2
    y, x = np.ogrid[-half : half + 1, -half : half + 1]
    return np.asarray(x**2 + y**2 <= radius**2, dtype=float)


def odd_pixels(pixels: Any) -> AnyArray:
    """Return widths rounded up to odd numbers of pixels.

    Examples
    --------
    >>> odd_pixels([0.5, 3.0, 3.1])
    array([1, 3, 5])
    """
    return np.asarray(np.ceil(pixels) // 2 * 2 + 1, dtype=int)


def smooth(data: AnyArray, width: float, kernel: str = "gauss", **kwargs: Any) -> AnyArray:
    """Return every image of ``data``, shape (..., ny, nx), averaged over its surroundings.

    Parameters
    ----------
    data : array, shape (..., ny, nx)
    width : float
        In pixels: sigma of "gauss", radius of "disk", side of "box".
    kernel : {"gauss", "disk", "box"}
    **kwargs
        Passed to `scipy.ndimage` (``mode``, ``cval``, ``truncate``).

    Raises
    ------
    InvalidInputError
        If the kernel does not exist or the width is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> smooth(np.array([[0.0, 0.0, 3.0, 0.0, 0.0]]), 3, "box").round(12)
    array([[0., 1., 1., 1., 0.]])
    """
    from scipy import ndimage

    if not (np.isfinite(width) and width > 0):
        msg = f"a smoothing width of {width} pixels makes no sense; give a positive number"
        raise InvalidInputError(msg)
    data, stay = data.astype(float), (0,) * (data.ndim - 2)
    if kernel == "gauss":
        return np.asarray(ndimage.gaussian_filter(data, (*stay, width, width), **kwargs))
    if kernel == "box":
        return np.asarray(ndimage.uniform_filter(data, (*(1,) * len(stay), width, width), **kwargs))
    if kernel == "disk":
        weights = disk(width)
        weights /= weights.sum()
        return np.asarray(ndimage.convolve(data, weights.reshape((1,) * len(stay) + weights.shape), **kwargs))
    msg = f"no smoothing kernel {kernel!r}; choose 'gauss', 'disk' or 'box'"
    raise InvalidInputError(msg)


def convolve(data: AnyArray, kernel: AnyArray, method: str = "fft") -> AnyArray:
    """Return ``data`` convolved with a kernel in the sky, the same shape; zeros lie outside.

    Parameters
    ----------
    data : array, shape (..., ny, nx)
    kernel : array, shape (ky, kx) or (..., ky, kx)
        One image for all planes, or one for each.
    method : {"fft", "direct"}
        "direct" has no rounding noise and is slow for large kernels.

    Raises
    ------
    InvalidInputError
        If the kernel's shape does not fit or the method does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> convolve(np.eye(3), np.ones((1, 3)), method="direct")
    array([[1., 1., 0.],
           [1., 1., 1.],
           [0., 1., 1.]])
    """
    from scipy import signal

    if kernel.ndim < 2 or kernel.shape[:-2] not in ((), data.shape[:-2]):
        msg = (
            f"a kernel of shape {kernel.shape} does not fit data of shape {data.shape}; give one for all planes or each"
        )
        raise InvalidInputError(msg)
    data = data.astype(np.result_type(data, np.float32))
    planes = np.broadcast_to(kernel, data.shape[:-2] + kernel.shape[-2:])
    if method == "fft":
        result = signal.fftconvolve(
            data, kernel.reshape((1,) * (data.ndim - kernel.ndim) + kernel.shape), "same", (-2, -1)
        )
    elif method == "direct":
        result = np.empty_like(data)
        for index in np.ndindex(data.shape[:-2]):
            result[index] = signal.convolve(data[index], planes[index], "same", "direct")
    else:
        msg = f"no convolution method {method!r}; choose 'fft' or 'direct'"
        raise InvalidInputError(msg)
    return np.asarray(result)


def erode(mask: BoolArray, width: AnyArray, kernel: str = "disk") -> BoolArray:
    """Return True where the whole kernel around a pixel is True; outside the image nothing is.

    Parameters
    ----------
    mask : array of bool, shape (..., ny, nx)
    width : array, shape (2,)
        Pixels along x and y: the radius of "disk" (the first counts), the odd sides of "box".
    kernel : {"disk", "box"}

    Raises
    ------
    InvalidInputError
        If the kernel does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> erode(np.ones((3, 4), dtype=bool), np.array([3, 3]), "box").astype(int)
    array([[0, 0, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 0, 0]])
    """
    edge = [(0, 0)] * (mask.ndim - 2) + [(1, 1)] * 2
    grown = dilate(~np.pad(mask, edge), width, kernel)[..., 1:-1, 1:-1]
    return np.logical_not(grown)


def dilate(mask: BoolArray, width: AnyArray, kernel: str = "disk") -> BoolArray:
    """Return True where the kernel around a pixel holds any True; parameters and errors as in `erode`.

    The disk is the set of pixels at most ``width`` away in straight line, found from the distance to the nearest True.

    Examples
    --------
    >>> import numpy as np
    >>> dilate(np.array([[False, False, True, False]]), np.array([1, 1])).astype(int)
    array([[0, 1, 1, 1]])
    """
    from scipy import ndimage

    if kernel == "box":
        size = (1,) * (mask.ndim - 2) + (int(width[1]), int(width[0]))
        return np.asarray(ndimage.maximum_filter(mask, size, mode="constant", cval=False))
    if kernel != "disk":
        msg = f"no kernel {kernel!r} for masks; choose 'disk' or 'box'"
        raise InvalidInputError(msg)
    result = np.zeros_like(mask)
    for index in np.ndindex(mask.shape[:-2]):
        if mask[index].any():
            result[index] = ndimage.distance_transform_edt(~mask[index]) <= width[0]
    return result
