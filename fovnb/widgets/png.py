"""Pixels as a PNG, in a third of the time that a general encoder takes: pictures of plots are mostly runs of white."""

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["encode_png"]

_RGB = 8, 2, 0, 0, 0  # bits a channel, three channels, and the only compression, filters and order there are


def encode_png(pixels: NDArray[np.uint8], text: Mapping[str, str]) -> bytes:
    r"""Return an opaque picture as PNG (RFC 2083), with remarks.

    Lines are not filtered, and only runs are searched for (Z_RLE).

    Parameters
    ----------
    pixels : array, shape (height, width, 3 or more)
        Red, green and blue; what follows is left out.
    text : mapping of str to str
        Remarks by keyword, Latin-1.

    Examples
    --------
    >>> encode_png(np.zeros((2, 3, 4), dtype=np.uint8), {"Recipe": "0123456789ab"})[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    height, width = pixels.shape[:2]
    lines = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # each after the number of its filter, 0 for none
    lines[:, 1:] = pixels[..., :3].reshape(height, -1)
    packer = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, *_RGB)),
        *((b"tEXt", f"{key}\0{remark}".encode("latin-1")) for key, remark in text.items()),
        (b"IDAT", packer.compress(lines.tobytes()) + packer.flush()),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
