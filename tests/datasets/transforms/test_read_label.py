import io
import random
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from mmamf.datasets.transforms.read_label import read_label

LABEL = np.arange(48).reshape(6, 8) % 3
COLORS = np.array([(0, 0, 0), (200, 0, 0), (0, 0, 200)], np.uint8)


def write_png(path, bits: int, color_type: int, palette: bool = False):
    """A PNG of less than 8 bits, packed here, as few libraries write them."""

    def chunk(name, data):
        return (
            struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
        )

    rows = b''
    for row in LABEL.astype(np.uint8):
        packed = np.unpackbits(row[:, None], axis=1)[:, 8 - bits :]
        rows += b'\0' + np.packbits(packed.ravel()).tobytes()
    header = struct.pack('>IIBBBBB', 8, 6, bits, color_type, 0, 0, 0)
    chunks = [chunk(b'IHDR', header), chunk(b'IDAT', zlib.compress(rows)), chunk(b'IEND', b'')]
    if palette:
        chunks.insert(1, chunk(b'PLTE', COLORS.tobytes()))
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + b''.join(chunks))


def palette_image() -> Image.Image:
    image = Image.fromarray(LABEL.astype(np.uint8), 'P')
    image.putpalette(COLORS.ravel().tolist())
    return image


def gray(dtype=np.uint8) -> Image.Image:
    return Image.fromarray(LABEL.astype(dtype))


WRITERS = {
    'gray.png': lambda path: gray().save(path),
    'two bits.png': lambda path: write_png(path, 2, 0),
    'four bits.png': lambda path: write_png(path, 4, 0),
    'palette of two bits.png': lambda path: write_png(path, 2, 3, True),
    'palette of four bits.png': lambda path: write_png(path, 4, 3, True),
    'palette.png': lambda path: palette_image().save(path),
    'sixteen bits.png': lambda path: cv2.imwrite(str(path), LABEL.astype(np.uint16)),
    'palette.gif': lambda path: palette_image().save(path),
    'palette.bmp': lambda path: palette_image().save(path),
    'gray.bmp': lambda path: gray().save(path),
    'gray.pgm': lambda path: gray().save(path),
    'low maximum.pgm': lambda path: path.write_bytes(
        b'P5\n8 6\n5\n' + LABEL.astype(np.uint8).tobytes()
    ),
    'text.pgm': lambda path: path.write_text(
        'P2\n8 6\n3\n' + ' '.join(map(str, LABEL.ravel().tolist()))
    ),
    'palette.pcx': lambda path: palette_image().save(path),
    'palette.tif': lambda path: palette_image().save(path),
    'sixteen bits.tif': lambda path: tifffile.imwrite(path, LABEL.astype(np.uint16)),
    'signed.tif': lambda path: tifffile.imwrite(path, LABEL.astype(np.int32)),
    'float.tif': lambda path: tifffile.imwrite(path, LABEL.astype(np.float32)),
    'tiled.tif': lambda path: tifffile.imwrite(path, LABEL.astype(np.uint8), tile=(16, 16)),
    'white is zero.tif': lambda path: tifffile.imwrite(
        path, LABEL.astype(np.uint8), photometric='miniswhite'
    ),
    'long.npy': lambda path: np.save(path, LABEL.astype(np.int64)),
    'float.npy': lambda path: np.save(path, LABEL.astype(np.float64)),
    'one channel.npy': lambda path: np.save(path, LABEL[..., None]),
}


def bmp(bits: int, palette: list[int], indices: np.ndarray) -> bytes:
    """A BMP whose palette is gray, packed here, as Pillow writes no such."""
    rows = b''
    for row in indices[::-1].astype(np.uint8):
        packed = np.packbits(np.unpackbits(row[:, None], axis=1)[:, 8 - bits :]).tobytes()
        rows += packed + b'\0' * (-len(packed) % 4)
    colors = b''.join(bytes([gray, gray, gray, 0]) for gray in palette)
    height, width = indices.shape
    start = 54 + len(colors)
    head = struct.pack('<2sIHHI', b'BM', start + len(rows), 0, 0, start)
    info = (40, width, height, 1, bits, 0, len(rows), 0, 0, len(palette), 0)
    return head + struct.pack('<IiiHHIIiiII', *info) + colors + rows


@pytest.mark.parametrize(
    ('bits', 'palette', 'indices'),
    [
        (8, [0, 255], LABEL == 1),
        (4, [0, 255], LABEL == 1),
        (1, [0, 255], LABEL == 1),
        (1, [255, 0], LABEL == 1),
        (4, [*range(16)], LABEL),
        (4, [17 * i for i in range(16)], LABEL),
        (8, [0, 1, 2], LABEL),
        (8, [*range(256)], LABEL),
    ],
    ids=str,
)
def test_bmp_with_a_gray_palette(tmp_path, bits, palette, indices):
    (tmp_path / 'a.bmp').write_bytes(bmp(bits, palette, indices))
    np.testing.assert_array_equal(read_label(str(tmp_path / 'a.bmp')).values, indices)
    colors = read_label(str(tmp_path / 'a.bmp'), colored=True).values
    np.testing.assert_array_equal(colors[..., 0], np.array(palette)[indices.astype(int)])


@pytest.mark.parametrize('name', WRITERS)
def test_indices_as_they_are_stored(tmp_path, name):
    WRITERS[name](tmp_path / name)
    np.testing.assert_array_equal(read_label(str(tmp_path / name)).values, LABEL)


def test_one_bit(tmp_path):
    Image.fromarray(LABEL == 1).save(tmp_path / 'mask.png')
    np.testing.assert_array_equal(read_label(str(tmp_path / 'mask.png')).values, LABEL == 1)


@pytest.mark.parametrize(
    'name', ['palette.png', 'palette of two bits.png', 'palette.gif', 'palette.tif']
)
def test_colors_of_palettes(tmp_path, name):
    WRITERS[name](tmp_path / name)
    values = read_label(str(tmp_path / name), colored=True).values
    np.testing.assert_array_equal(values, COLORS[LABEL])


@pytest.mark.parametrize('name', ['rgb.png', 'rgba.png', 'rgb.tif', 'rgb.bmp', 'rgb.ppm'])
def test_colors(tmp_path, name):
    image = Image.fromarray(COLORS[LABEL])
    (image.convert('RGBA') if 'rgba' in name else image).save(tmp_path / name)
    values = read_label(str(tmp_path / name), colored=True).values
    np.testing.assert_array_equal(values, COLORS[LABEL])
    with pytest.raises(ValueError, match='expected one channel of class indices, got RGB.*colors='):
        read_label(str(tmp_path / name))


@pytest.mark.parametrize('name', ['rgba.png', 'rgba.tif', 'la.png'])
def test_colors_that_differ_in_alpha_alone(tmp_path, name):
    clear = np.where(LABEL == 1, 0, 255).astype(np.uint8)
    image = Image.fromarray(COLORS[LABEL]).convert('LA' if 'la' in name else 'RGBA')
    image.putalpha(Image.fromarray(clear))  # a color is clear or it is not
    image.save(tmp_path / name)
    colors = read_label(str(tmp_path / name), colored=True).values
    np.testing.assert_array_equal(colors, np.array(image.convert('RGB')))
    clear[0] = 77
    image.putalpha(Image.fromarray(clear))
    image.save(tmp_path / name)
    with pytest.raises(ValueError, match=f'{name}: expected one value of alpha for each'):
        read_label(str(tmp_path / name), colored=True)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_gray_tiff_whose_alpha_tells_the_classes(tmp_path, dtype):
    path = tmp_path / 'a.tif'
    options = dict(photometric='minisblack', planarconfig='contig', extrasamples=['unassalpha'])
    tifffile.imwrite(path, np.dstack([LABEL, LABEL > 0]).astype(dtype), **options)
    np.testing.assert_array_equal(read_label(str(path)).values, LABEL)
    tifffile.imwrite(path, np.dstack([0 * LABEL, LABEL]).astype(dtype), **options)
    with pytest.raises(ValueError, match='a.tif: expected one value of alpha for each color'):
        read_label(str(path))


@pytest.mark.parametrize('name', ['a.png', 'a.ppm'])
def test_colors_of_16_bits(tmp_path, name):
    cv2.imwrite(str(tmp_path / name), COLORS[LABEL].astype(np.uint16) * 257)
    with pytest.raises(ValueError, match=f'{name}: expected colors of 8 bits per channel, got 16'):
        read_label(str(tmp_path / name), colored=True)


@pytest.mark.parametrize('name', ['black and white.png', 'black and white.tif'])
def test_gray_file_read_as_colors(tmp_path, name):
    Image.fromarray((LABEL * 127).astype(np.uint8)).save(tmp_path / name)
    values = read_label(str(tmp_path / name), colored=True).values
    np.testing.assert_array_equal(values, np.dstack([LABEL * 127] * 3))


@pytest.mark.parametrize(
    ('name', 'format'),
    [('a.jpg', 'JPEG'), ('a.png', 'JPEG'), ('a.webp', 'WEBP'), ('a.jp2', 'JPEG2000')],
)
def test_lossy_formats(tmp_path, name, format):
    gray().save(tmp_path / name, format=format)
    with pytest.raises(ValueError, match=f'{name}: expected a lossless format, got {format}'):
        read_label(str(tmp_path / name))


def test_lossy_tiff(tmp_path):
    gray().save(tmp_path / 'a.tif', compression='jpeg')
    with pytest.raises(ValueError, match='a.tif: expected a lossless format, got a TIFF compres'):
        read_label(str(tmp_path / 'a.tif'))


def test_a_tiff_is_parsed_once(tmp_path, monkeypatch):
    WRITERS['tiled.tif'](tmp_path / 'a.tif')
    opened, parse = [], tifffile.TiffFile
    monkeypatch.setattr(tifffile, 'TiffFile', lambda *a, **k: opened.append(a) or parse(*a, **k))
    read_label(str(tmp_path / 'a.tif'))
    assert len(opened) == 1


def test_several_pictures(tmp_path):
    frames = [gray(), Image.fromarray(LABEL.astype(np.uint8)[::-1])]
    frames[0].save(tmp_path / 'a.gif', save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match='a.gif: expected one picture, got 2'):
        read_label(str(tmp_path / 'a.gif'))


def test_more_pixels_than_pillow_allows(tmp_path, monkeypatch):
    WRITERS['gray.png'](tmp_path / 'a.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 10)
    np.testing.assert_array_equal(read_label(str(tmp_path / 'a.png')).values, LABEL)


def test_header_that_claims_too_much(tmp_path):
    WRITERS['gray.png'](tmp_path / 'a.png')
    content = bytearray((tmp_path / 'a.png').read_bytes())
    content[16:24] = (60000).to_bytes(4, 'big') * 2
    (tmp_path / 'a.png').write_bytes(content)
    with pytest.raises(ValueError, match='a.png: expected at most .* pixels.*60000 x 60000'):
        read_label(str(tmp_path / 'a.png'))


def test_nodata_of_a_tiff(tmp_path):
    tags = [(42113, 's', 0, '7', False)]
    tifffile.imwrite(tmp_path / 'a.tif', LABEL.astype(np.uint8), extratags=tags)
    assert read_label(str(tmp_path / 'a.tif')).nodata == (7,)


@pytest.mark.parametrize('prepare', ['folder', 'link', 'loop', 'empty'])
def test_what_is_no_file(tmp_path, prepare):
    path = tmp_path / 'a.png'
    if prepare == 'folder':
        path.mkdir()
    elif prepare == 'empty':
        path.touch()
    else:
        path.symlink_to(path if prepare == 'loop' else tmp_path / 'nowhere.png')
    with pytest.raises((FileNotFoundError, ValueError), match='a.png'):
        read_label(str(path))


@pytest.mark.filterwarnings('ignore')  # of the decoders, about the damage
@pytest.mark.parametrize('name', WRITERS)
def test_damaged_files(tmp_path, name):
    WRITERS[name](tmp_path / name)
    content = (tmp_path / name).read_bytes()
    draw = random.Random(0)
    path = tmp_path / f'damaged {name}'
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(draw.choice([1, 1, 4])):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        if draw.random() < 0.3:
            damaged = damaged[: draw.randrange(len(damaged))]
        path.write_bytes(damaged)
        for colored in (False, True):
            try:
                values = read_label(str(path), colored=colored).values
            except ValueError as error:
                assert str(path) in str(error)
            else:
                assert values.nbytes < 2**20


def test_reads_the_file_once(tmp_path, monkeypatch):
    WRITERS['float.tif'](tmp_path / 'a.tif')
    reads = []

    def read_content(path, *args):
        reads.append(path)
        return io.FileIO(path).readall()

    monkeypatch.setattr('mmamf.datasets.transforms.read_label.read_content', read_content)
    monkeypatch.setattr('mmamf.datasets.transforms.read_image.read_content', read_content)
    read_label(str(tmp_path / 'a.tif'))
    assert len(reads) == 1
