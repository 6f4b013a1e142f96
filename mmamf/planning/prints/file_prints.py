"""What one file contains, in few numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class BandPrint:
    """The values of one channel of one image, in units of the file.

    ``count``, ``sum`` and ``squares`` leave out NaN, infinity, zeros, and values that the file
    declares as "no reading" or that are sentinels. Zeros change no sum, so statistics with zeros
    follow from ``zeros``.

    Args:
        count: Number of readings other than 0.
        sum: Their sum.
        squares: Sum of their squares.
        smallest: Smallest of them; NaN without any.
        largest: Largest of them; NaN without any.
        zeros: Number of pixels that are 0.
        saturated: Number of pixels that have the largest value of the dtype (integers), or the
            largest value of the image if at least 1 % have it (floats, and integers of 10, 12 or 14
            bits).
        constant: Whether all its pixels are equal.
    """

    count: int
    sum: float
    squares: float
    smallest: float
    largest: float
    zeros: int
    saturated: int
    constant: bool


@dataclass(frozen=True)
class ImagePrint:
    """One image of a modality.

    Args:
        path: Its path below the root.
        error: Why it cannot be read. The other values are then the defaults, except for the format,
            the content and the size in the header, if they are known.
        format: 'PNG', 'JPEG', 'TIFF', 'NPY', ...
        dtype: Data type as read, a name of NumPy.
        size: (H, W) as stored.
        orientation: EXIF or TIFF orientation; 1 is "as stored".
        planar: Whether a TIFF stores one plane per band.
        nodata: Values that a TIFF declares as "no reading".
        sentinels: Number of pixels, all bands together, of each value that looks like "no reading":
            -9999 and the like if no reading lies beyond it, and all beyond 1e30.
        not_finite: Number of pixels that are NaN or infinite in some band.
        all_zero: Number of pixels that are 0 in all bands.
        bands: The channels, in the order of the file (red, green, blue).
        equal_bands: Pairs of channels that are equal.
        histogram: Readings per bin, all bands together, with zeros; the bins are fixed for the
            dtype, see :func:`mmamf.planning.prints.value_bins.bin_edges`.
        content: Hash of the bytes of the file.
        look: 64-bit difference hash of the gray image, as an integer.
    """

    path: str
    error: str | None = None
    format: str = ''
    dtype: str = ''
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    planar: bool = False
    nodata: tuple[float, ...] = ()
    sentinels: Mapping[float, int] = field(default_factory=dict)
    not_finite: int = 0
    all_zero: int = 0
    bands: tuple[BandPrint, ...] = ()
    equal_bands: tuple[tuple[int, int], ...] = ()
    histogram: tuple[int, ...] = ()
    content: str = ''
    look: int = 0


@dataclass(frozen=True)
class LabelPrint:
    """One label map.

    Args:
        path: Its path below the root.
        error: Why it cannot be read.
        format: 'PNG', 'JPEG', ...
        lossy: Whether the format changes values.
        dtype: Data type as stored.
        size: (H, W).
        orientation: EXIF or TIFF orientation; 1 is "as stored".
        nodata: Values that a TIFF declares as "no class".
        values: Number of pixels of each stored value (gray value or index), at most the 1000 most
            frequent. NaN is counted as the key 'nan'.
        colors: Number of pixels of each color (red, green, blue) of a colored file, the same.
        distinct: Number of different values or colors.
        palette: Hash of the palette; '' if there is none.
        palette_colors: The first 256 colors of the palette.
        object_sizes: (value or color, area in pixels of the connected region in which its median
            pixel lies, width in pixels of its regions as strips). Only one map in three has them,
            and none with more than 32 values.
        content: Hash of the bytes of the file.
    """

    path: str
    error: str | None = None
    format: str = ''
    lossy: bool = False
    dtype: str = ''
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    nodata: tuple[float, ...] = ()
    values: Mapping[float | str, int] = field(default_factory=dict)
    colors: Mapping[tuple[int, int, int], int] = field(default_factory=dict)
    distinct: int = 0
    palette: str = ''
    palette_colors: tuple[tuple[int, int, int], ...] = ()
    object_sizes: tuple[tuple[float | tuple[int, int, int], float, float], ...] = ()
    content: str = ''
