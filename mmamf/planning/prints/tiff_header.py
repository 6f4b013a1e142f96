"""Reads what a TIFF says about itself, without its pixels."""

import io
from typing import NamedTuple

from mmamf.datasets.transforms.image_header import ORIENTATION

ALPHA = (1, 2)  # kinds of extra samples that are no band
LOSSY = ('JPEG', 'JP2000', 'WEBP')  # parts of the names of compressions that change values


class TiffHeader(NamedTuple):
    """The layout of a TIFF.

    Args:
        bands: Number of samples per pixel, without alpha.
        pages: Number of pages of the first kind.
        planar: Whether each band is a plane of its own.
        orientation: 1 is "as stored".
        lossy: Whether its compression changes values.
    """

    bands: int
    pages: int
    planar: bool
    orientation: int
    lossy: bool


def read_tiff_header(content: bytes) -> TiffHeader:
    """Read the layout of a TIFF.

    Args:
        content: The bytes of the file.

    Raises:
        Exception: Of many kinds, if the file is damaged.
    """
    import tifffile  # here, because it is slow to import

    with tifffile.TiffFile(io.BytesIO(content), is_ome=False) as file:
        series = file.series[0]
        page = series.keyframe
        bands = page.samplesperpixel
        if bands in (2, 4) and len(page.extrasamples) == 1 and page.extrasamples[0] in ALPHA:
            bands -= 1
        return TiffHeader(
            bands=bands,
            pages=series.size // page.size,
            planar=bands > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE,
            orientation=int(page.tags.valueof(ORIENTATION, 1)),
            lossy=any(part in page.compression.name for part in LOSSY),
        )
