"""Decodes TIFF files of any layout with tifffile."""

import io

import mmcv
import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC, PLANARCONFIG

from .image_header import AS_STORED, ORIENTATION, PICTURE, MissingCodec, Refused, check_size
from .stored_values import check_alpha
from .tiff_codecs import find_lacking, install

install()

NODATA = 42113  # GDAL's tag; it holds the value that means "no reading" as text
ALPHA = (1, 2)  # kinds of extra samples that are alpha; all other kinds are bands
# A compression changes values if its name in tifffile contains one of these.
LOSSY = ('JPEG', 'JP2000', 'WEBP')
JPEG = (COMPRESSION.JPEG, COMPRESSION.OJPEG)
# Only with these kinds are three samples red, green and blue.
COLOR_KINDS = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.RGB)


class TiffContent:
    """One decoded TIFF file.

    Args:
        content: The bytes of the file.
        channels: Expected number of channels, if known. If it is not 1 or 3, alpha counts as a
            channel.
        lossless: Whether to refuse a compression that changes values.

    Attributes:
        image: (H, W) or (H, W, C), as stored, with the machine's byte order. A color picture is in
            BGR order.
        nodata: The values that mean "no reading" according to the file.
        orientation: Orientation tag of the file; 1 is "as stored".
        palette: Colors of the indices, (number of indices, 3) in RGB, uint8, or None.
        colored: Whether the image has these colors instead of the indices.
        pages_left_out: Number of further pages of the same kind, which are not read.

    Raises:
        MissingCodec: If imagecodecs is needed and not installed.
        Refused: If the file has unexpected bands, an image that is too large, or a refused
            compression.
        Exception: Of many kinds, if the file is damaged.
    """

    def __init__(self, content: bytes, channels: int | None, lossless: bool = False) -> None:
        self.content = content
        self.channels = channels
        self.lossless = lossless
        self.pages_left_out = 0
        self.palette = None
        self.colored = False
        # is_ome=False, because an OME description may name other files, which would be read
        with tifffile.TiffFile(io.BytesIO(content), is_ome=False) as file:
            series = file.series[0]  # overviews and masks come later
            page = series.keyframe
            if lossless and any(part in page.compression.name for part in LOSSY):
                raise Refused(
                    f'expected a lossless format, got a TIFF compressed as {page.compression.name}'
                )
            self.nodata = _nodata(page)
            if self.nodata and page.dtype.kind == 'f':
                (page.nodata,) = self.nodata  # fills tiles that the file leaves out
            try:
                image = self._read(series, page)
            except ModuleNotFoundError as error:  # of compression.zstd, which Python 3.14 brings
                raise _missing_codec(f'the compression {page.compression.name}') from error
            self.orientation = page.tags.valueof(ORIENTATION, 1)
        if channels in PICTURE and image.shape[2:] == (3,):
            image = image[..., ::-1]
        if image.dtype == bool:
            image = image.view(np.uint8)
        self.image = np.ascontiguousarray(image)

    def _read(self, series: tifffile.TiffPageSeries, page: tifffile.TiffPage) -> np.ndarray:
        if not {'Y', 'X'} <= set(page.axes) <= set('YXS'):
            raise Refused(
                f'expected the axes of rows, pixels and bands, got {page.axes} {page.shape}'
            )
        bands = page.samplesperpixel
        pages = series.size // page.size
        if pages > 1 and bands == 1:
            rows = _is_page_per_row(series, self.channels)
            if rows or self.channels not in PICTURE or self.channels == pages:
                _check(page, pages)
                stack = series.asarray(maxworkers=1)
                return stack if rows else stack.reshape(pages, *page.shape).transpose(1, 2, 0)
            if self.channels not in (None, 1):
                raise Refused(
                    f'expected {self.channels} channel(s), got a TIFF of {pages} pages of one band'
                )
        self.pages_left_out = pages - 1
        image = _decode(page, self.content)
        if self.channels not in PICTURE:
            return image
        if bands in (2, 4) and len(page.extrasamples) == 1 and page.extrasamples[0] in ALPHA:
            if self.lossless:  # a label map
                check_alpha(image)
            bands -= 1
            image = image[..., :bands] if bands > 1 else image[..., 0]
        if bands not in PICTURE:
            wanted = self.channels or '1 or 3'
            raise Refused(f'expected {wanted} channel(s), got a TIFF of {bands} bands')
        if page.photometric == PHOTOMETRIC.PALETTE:
            self.palette = (page.colormap.T >> 8).astype(np.uint8)
            self.colored = self.channels != 1
        return self.palette[image] if self.colored else image


def _is_page_per_row(series: tifffile.TiffPageSeries, channels: int | None) -> bool:
    """Tell whether pages of one band are the rows of an array (H, W, C), not the bands.

    tifffile.imwrite writes such pages, if it is not told what the axes of the array are.
    """
    if series.kind != 'shaped' or len(series.shape) != 3:
        return False
    if 'Q' not in series.axes:  # Q is an axis without a name
        return series.axes.startswith('YX')
    if channels is None:
        return False
    first, rows, last = series.shape
    if channels:
        fits = first == channels, last == channels
    else:
        fits = first < min(rows, last), last < min(first, rows)
    if all(fits) or (channels == 0 and not any(fits)):
        raise Refused(
            f'expected a known axis of bands, got an array of shape {series.shape} without names '
            'of its axes: write it by tifffile.imwrite with the option metadata=dict(axes="CYX") '
            'if the bands come first, or "YXC" if they come last'
        )
    return fits[1]


def _decode(page: tifffile.TiffPage, content: bytes) -> np.ndarray:
    """Return the samples as they are stored, (H, W) or (H, W, C)."""
    jpeg = page.compression in JPEG
    without_codec = jpeg and page.compression not in tifffile.TIFF.DECOMPRESSORS
    if without_codec or (page.photometric == PHOTOMETRIC.YCBCR and not jpeg):
        if _is_picture(page):
            return _decode_picture(page, content)
        if not jpeg:
            raise Refused('expected gray, RGB or bands, got YCbCr without JPEG compression')
    _check(page)
    image = page.asarray(maxworkers=1)
    return np.moveaxis(image, 0, -1) if page.axes == 'SYX' else image


def _check(page: tifffile.TiffPage, pages: int = 1) -> None:
    bands = page.samplesperpixel
    check_size(page.imagelength, page.imagewidth, bands * pages * page.dtype.itemsize)
    if bands == 3 and page.photometric not in (*COLOR_KINDS, PHOTOMETRIC.YCBCR):
        raise Refused(f'expected gray, RGB or bands, got {page.photometric!r}')
    stored, expected = len(page.dataoffsets), int(np.prod(page.chunked))
    if stored < expected and not page.is_contiguous:
        raise ValueError(f'expected {expected} strips or tiles, got {stored}')
    lacking = find_lacking(page)
    if lacking:
        raise _missing_codec(lacking)


def _missing_codec(what: str) -> MissingCodec:
    return MissingCodec(f'{what} needs imagecodecs: pip install imagecodecs')


def _is_picture(page: tifffile.TiffPage) -> bool:
    """Tell whether OpenCV reads the page exactly like tifffile with imagecodecs."""
    interleaved = page.samplesperpixel == 1 or page.planarconfig == PLANARCONFIG.CONTIG
    kinds = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR)
    return (
        page.index == 0
        and interleaved
        and page.samplesperpixel in (1, 3)
        and page.dtype == np.uint8
        and page.bitspersample == 8
        and page.photometric in kinds
    )


def _decode_picture(page: tifffile.TiffPage, content: bytes) -> np.ndarray:
    check_size(page.imagelength, page.imagewidth, page.samplesperpixel)
    image = mmcv.imfrombytes(content, flag=AS_STORED, backend='cv2')
    if image is None:
        raise ValueError('OpenCV cannot decode its picture')
    return image[..., ::-1] if image.ndim == 3 else image


def _nodata(page: tifffile.TiffPage) -> tuple[float, ...]:
    text = str(page.tags.valueof(NODATA, '')).replace(',', '.')
    try:
        value = float(text.strip('\0 \n'))
    except ValueError:  # no nodata value
        return ()
    if page.dtype is None or page.dtype.kind != 'f':
        return (value,)
    with np.errstate(over='ignore'):  # rounded like the pixels
        return (float(page.dtype.type(value)),)
