import io
import itertools

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from mmamf.datasets.transforms import read_image as module
from mmamf.datasets.transforms.image_header import MissingCodec
from mmamf.datasets.transforms.read_image import read_image, read_raster

RNG = np.random.default_rng(0)
STORED = RNG.integers(0, 120, (21, 35, 5))
COLOR = STORED[..., :3].astype(np.uint8)
GRAY = COLOR[..., 0]
LAYOUTS = {
    'contig': dict(planarconfig='contig'),
    'planar': dict(planarconfig='separate'),
    'tiled': dict(planarconfig='contig', tile=(16, 16)),
    'planar tiled': dict(planarconfig='separate', tile=(16, 16)),
    'pages': dict(rowsperstrip=4),
}


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('bands', [1, 2, 3, 5])
@pytest.mark.parametrize('dtype', ['u1', 'i1', 'u2', 'i2', 'u4', 'f2', 'f4', 'f8'])
def test_every_layout_equals_tifffile(tmp_path, layout, bands, dtype):
    image = STORED[..., :bands].astype(dtype)
    planes = layout in ('planar', 'planar tiled', 'pages') and bands > 1
    stored = np.ascontiguousarray(image.transpose(2, 0, 1) if planes else image)
    stored = stored[..., 0] if bands == 1 else stored
    options = dict(LAYOUTS[layout], planarconfig=None) if bands == 1 else LAYOUTS[layout]
    wanted = image[..., 0] if bands == 1 else image[..., ::-1] if bands == 3 else image
    path = str(tmp_path / 'a.tif')
    for packed, order, big in itertools.product([None, 'zlib'], '<>', [False, True]):
        tifffile.imwrite(
            path,
            stored,
            photometric='minisblack',
            compression=packed,
            byteorder=order,
            bigtiff=big,
            **options,
        )
        read = read_image(path, channels=bands)
        assert read.dtype == wanted.dtype and read.dtype.isnative and read.flags.writeable
        np.testing.assert_array_equal(read, wanted)


def lzw(content: bytes) -> bytes:
    """LZW data as libtiff writes them, out of a file that holds them in one strip."""
    encoded = cv2.imencode(
        '.tif',
        np.frombuffer(content, np.uint8)[None],
        [cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_PREDICTOR, 1],
    )[1].tobytes()
    with tifffile.TiffFile(io.BytesIO(encoded)) as file:
        (start,), (length,) = file.pages[0].dataoffsets, file.pages[0].databytecounts
    return encoded[start : start + length]


@pytest.mark.parametrize('layout', ['contig', 'planar', 'planar tiled'])
@pytest.mark.parametrize('dtype', ['u1', 'u2', 'f4'])
def test_lzw_without_imagecodecs_in_any_layout(tmp_path, layout, dtype, monkeypatch):
    monkeypatch.setitem(tifffile.TIFF.COMPRESSORS._codecs, 5, lambda data, **_: lzw(bytes(data)))
    image = STORED[..., :3].astype(dtype)
    stored = image if layout == 'contig' else np.ascontiguousarray(image.transpose(2, 0, 1))
    path = str(tmp_path / 'a.tif')
    options = dict(photometric='rgb', compression='lzw', **LAYOUTS[layout])
    tifffile.imwrite(path, stored, predictor=dtype[0] == 'u', **options)
    np.testing.assert_array_equal(read_image(path, channels=3), image[..., ::-1])


@pytest.mark.parametrize('codec', [1, 5, 8, 32773], ids=['none', 'lzw', 'deflate', 'packbits'])
@pytest.mark.parametrize('predictor', [1, 2, 3])
@pytest.mark.parametrize('bands', [1, 3])
@pytest.mark.parametrize('dtype', ['u1', 'u2', 'f4'])
def test_files_of_opencv(tmp_path, codec, predictor, bands, dtype):
    if (predictor == 3) != (dtype == 'f4') and predictor != 1:
        return  # 2 is for integers, 3 for floating point
    image = (STORED[..., :bands].squeeze() * 1.7).astype(dtype)
    path = str(tmp_path / 'a.tif')
    flags = [cv2.IMWRITE_TIFF_COMPRESSION, codec, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    cv2.imwrite(path, image, flags)
    np.testing.assert_array_equal(read_image(path, channels=bands), image)


@pytest.mark.parametrize('quality', ['jpeg', None])
def test_colors_in_jpeg_and_ycbcr_equal_opencv(tmp_path, quality):
    path = str(tmp_path / 'a.tif')
    picture = Image.fromarray(cv2.resize(COLOR, (64, 48)))
    picture.convert('RGB' if quality else 'YCbCr').save(path, compression=quality)
    np.testing.assert_array_equal(read_image(path, channels=3), cv2.imread(path))


def test_palette_gives_indices_or_colors(tmp_path):
    path = str(tmp_path / 'a.tif')
    picture = Image.fromarray(GRAY).convert('P')
    picture.putpalette(RNG.integers(0, 256, 768).astype(np.uint8).tobytes())
    picture.save(path)
    np.testing.assert_array_equal(read_image(path, channels=1), GRAY)
    wanted = np.array(picture.convert('RGB'))[..., ::-1]
    np.testing.assert_array_equal(read_image(path, channels=3), wanted)
    np.testing.assert_array_equal(read_image(path), wanted)


@pytest.mark.parametrize('kind', ['minisblack', 'miniswhite'])
def test_bilevel_and_white_is_zero_as_stored(tmp_path, kind):
    path = str(tmp_path / 'a.tif')
    for image in (GRAY, GRAY > 50):
        tifffile.imwrite(path, image, photometric=kind)
        np.testing.assert_array_equal(read_image(path, channels=1), image.astype(np.uint8))


def test_pages(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(module, 'print_log', lambda message, *args: said.append(message))
    path = str(tmp_path / 'a.tif')
    pages = np.ascontiguousarray(STORED.astype(np.uint8).transpose(2, 0, 1))
    for kind in (dict(imagej=True), dict(photometric='minisblack')):
        tifffile.imwrite(path, pages, **kind)
        np.testing.assert_array_equal(read_image(path, channels=5), STORED)
        assert said == []
        np.testing.assert_array_equal(read_image(path, channels=1), pages[0])
        assert 'a.tif has 5 pages; the first is read' in said.pop()
        module._warned.clear()
        with pytest.raises(ValueError, match='a.tif: expected 3 .*, got a TIFF of 5 pages of one'):
            read_image(path, channels=3)


def test_overviews_and_masks_are_no_pages(tmp_path):
    path = str(tmp_path / 'a.tif')
    with tifffile.TiffWriter(path) as file:
        file.write(COLOR, photometric='rgb')
        file.write(COLOR[::2, ::2], photometric='rgb', subfiletype=1)
        file.write(GRAY > 9, subfiletype=4)
    np.testing.assert_array_equal(read_image(path, channels=3), COLOR[..., ::-1])


def test_array_that_tifffile_was_told_nothing_of(tmp_path):
    path = str(tmp_path / 'a.tif')
    tifffile.imwrite(path, STORED.astype(np.float32))
    np.testing.assert_array_equal(read_image(path, channels=5), STORED)
    np.testing.assert_array_equal(read_image(path, channels=0), STORED)  # all that there are
    tifffile.imwrite(path, STORED.astype(np.float32).transpose(2, 0, 1))
    np.testing.assert_array_equal(read_image(path, channels=0), STORED)


@pytest.mark.parametrize(('shape', 'channels'), [((20, 9, 9), 0), ((9, 20, 9), 9), ((9, 9, 9), 0)])
def test_array_whose_bands_may_be_first_or_last(tmp_path, shape, channels):
    path = str(tmp_path / 'a.tif')
    image = RNG.random(shape).astype(np.float32)
    tifffile.imwrite(path, image)
    with pytest.raises(ValueError, match=r'a.tif: expected a known axis of bands, .* or "YXC" if'):
        read_image(path, channels=channels)
    tifffile.imwrite(path, image, metadata=dict(axes='YXC'))
    np.testing.assert_array_equal(read_image(path, channels=channels), image)
    tifffile.imwrite(path, image, metadata=dict(axes='CYX'))
    np.testing.assert_array_equal(read_image(path, channels=0), image.transpose(1, 2, 0))


def test_no_data_of_a_palette_is_no_color(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(module, 'print_log', lambda message, *args: said.append(message))
    colors = np.full((3, 256), 65535, np.uint16)
    colors[:, 1] = 0  # the color (0, 0, 0) is a reading, the index 0 is none
    path = str(tmp_path / 'a.tif')
    tag = [(42113, 's', 0, '0', True)]
    tifffile.imwrite(path, GRAY % 3, photometric='palette', colormap=colors, extratags=tag)
    assert read_raster(path, channels=1)[1] == (0,) and not said
    image, nodata = read_raster(path, channels=3)
    assert nodata == () and (image[GRAY % 3 == 1] == 0).all()
    assert 'a.tif calls the index 0 of its palette "no data" and is read as colors' in said[0]


@pytest.mark.parametrize(
    ('text', 'dtype', 'wanted'),
    [
        ('-9999', 'f4', -9999),
        ('nan', 'f4', np.nan),
        ('-3.4028234663852886e+38', 'f4', float(np.finfo(np.float32).min)),
        ('-1.7976931348623157e+308', 'f8', np.finfo(np.float64).min),
        ('0.1', 'f4', float(np.float32(0.1))),
        ('-9999', 'u2', -9999),
        ('255 ', 'u1', 255),
        ('none', 'u1', None),
    ],
)
def test_nodata_is_what_pixels_hold(tmp_path, text, dtype, wanted, capfd):
    path = str(tmp_path / 'a.tif')
    tifffile.imwrite(path, GRAY.astype(dtype), extratags=[(42113, 's', 0, text, True)])
    _, nodata = read_raster(path, channels=1)
    np.testing.assert_array_equal(nodata, [] if wanted is None else [wanted])
    assert capfd.readouterr().err == ''


def test_other_files_name_no_nodata(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), GRAY)
    assert read_raster(str(tmp_path / 'a.png'))[1] == ()


def test_tiles_that_are_left_out_hold_nodata(tmp_path):
    path = tmp_path / 'a.tif'
    lowest = np.finfo(np.float32).min
    value = '-3.4028234663852886e+38'
    image = np.zeros((32, 16), np.float32)
    tifffile.imwrite(path, image, tile=(16, 16), extratags=[(42113, 's', 0, value, True)])
    with tifffile.TiffFile(path, mode='r+') as file:
        for name in ('TileOffsets', 'TileByteCounts'):
            tag = file.pages[0].tags[name]
            tag.overwrite((tag.value[0], 0))
    read, nodata = read_raster(str(path), channels=1)
    assert nodata == (lowest,) and (read[:16] == 0).all() and (read[16:] == lowest).all()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            dict(Compression=34887),
            'the compression LERC needs imagecodecs: pip install imagecodecs',
        ),
        (dict(BitsPerSample=12), 'NONE of 12 .* needs imagecodecs'),
    ],
)
def test_missing_codecs_are_named(tmp_path, change, message, monkeypatch):
    if tifffile.tifffile.imagecodecs.__name__ == 'imagecodecs':
        monkeypatch.setattr(tifffile.tifffile, 'imagecodecs', tifffile._imagecodecs)
    path = str(tmp_path / 'a.tif')
    tifffile.imwrite(path, GRAY.astype(np.uint16))
    with tifffile.TiffFile(path, mode='r+') as file:
        for name, value in change.items():
            file.pages[0].tags[name].overwrite(value)
    with pytest.raises(MissingCodec, match=f'a.tif: {message}') as caught:
        read_image(path, channels=1)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, ImportError)


def test_other_colors_are_refused(tmp_path):
    path = str(tmp_path / 'a.tif')
    Image.fromarray(COLOR).convert('LAB').save(path)
    with pytest.raises(ValueError, match='a.tif: expected gray, RGB or bands, got .*CIELAB'):
        read_image(path, channels=3)
