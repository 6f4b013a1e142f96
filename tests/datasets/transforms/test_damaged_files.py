"""Files with damage at random: a reader names the file, whatever happens to it."""

import io
import logging
import resource
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from mmamf.datasets.transforms.decode_npy import decode_npy
from mmamf.datasets.transforms.image_header import (
    ENDS,
    MAX_PIXELS,
    declared_size,
    exif_orientation,
)
from mmamf.datasets.transforms.read_image import read_image

RNG = np.random.default_rng(0)
COLOR = cv2.resize(RNG.integers(0, 255, (6, 8, 3)).astype(np.uint8), (32, 24))
DEPTH = RNG.integers(0, 2**16, (24, 32)).astype(np.uint16)
MUTATIONS = 100  # of each file
ODD = (b'\xff\xff\xff\xff', b'\0\0\0\0', b'\x7f\xff\xff\xff', b'\0\0\xea\x60', b'\x60\xea\0\0')
MEGABYTES = 200  # what may come on top while the small files are read


def opencv(suffix, image, *flags):
    return cv2.imencode(suffix, image, flags)[1].tobytes()


def into_bytes(save, *args, **kwargs):
    stream = io.BytesIO()
    save(stream, *args, **kwargs)
    return stream.getvalue()


PLANES = np.ascontiguousarray(COLOR.transpose(2, 0, 1))
TILES = dict(compression='zlib', predictor=True, tile=(16, 16))
FILES = {
    'color.png': opencv('.png', COLOR),
    'depth.png': opencv('.png', DEPTH),
    'alpha.png': opencv('.png', np.dstack([COLOR, COLOR[..., 0]])),
    'color.jpg': opencv('.jpg', COLOR),
    'color.bmp': opencv('.bmp', COLOR),
    'color.webp': opencv('.webp', COLOR),
    'color.ppm': opencv('.ppm', COLOR),
    'color.ras': opencv('.ras', COLOR),
    'light.hdr': opencv('.hdr', COLOR.astype(np.float32)),
    'depth.pfm': opencv('.pfm', DEPTH.astype(np.float32)),
    'color.jp2': into_bytes(Image.fromarray(COLOR).save, 'JPEG2000', num_resolutions=2),
    'depth.npy': into_bytes(np.save, DEPTH),
    'turned.npy': into_bytes(np.save, np.asfortranarray(DEPTH.astype('>f8'))),
    'archive.npy': into_bytes(np.savez, DEPTH),
    'lzw.tif': opencv('.tif', DEPTH),
    'float.tif': opencv('.tif', DEPTH.astype(np.float32), 259, 8, 317, 3),
    'jpeg.tif': opencv('.tif', COLOR, 259, 7),
    'tiles.tif': into_bytes(tifffile.imwrite, COLOR, **TILES),
    'planes.tif': into_bytes(tifffile.imwrite, PLANES, planarconfig='separate', photometric='rgb'),
    'big.tif': into_bytes(tifffile.imwrite, DEPTH, bigtiff=True, byteorder='>'),
    'pages.tif': into_bytes(tifffile.imwrite, np.stack([DEPTH] * 5), photometric='minisblack'),
}


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(content)
    header = min(len(content), 300)
    kind = rng.integers(4)
    if kind == 0:
        return content[: rng.integers(len(content))]
    if kind == 1:
        start = rng.integers(header)
        damaged[start : start + 4] = ODD[rng.integers(len(ODD))]
        return bytes(damaged)
    for _ in range(rng.integers(1, 4 if kind == 2 else 20)):
        damaged[rng.integers(header if kind == 2 else len(content))] = rng.integers(256)
    return bytes(damaged)


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize('name', FILES)
def test_damage_at_random(tmp_path, name):
    rng = np.random.default_rng([*name.encode()])
    path = tmp_path / name
    channels = dict(alpha=4, pages=5).get(path.stem, 1 if DEPTH.tobytes() in FILES[name] else 3)
    if name != 'archive.npy':
        path.write_bytes(FILES[name])
        read_image(str(path), channels=channels)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(MUTATIONS):
        path.write_bytes(damage(FILES[name], rng))
        try:
            image = read_image(str(path), channels=channels)
        except ValueError as error:
            assert str(path) in str(error)
        else:
            assert image.ndim in (2, 3) and image.size
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MEGABYTES * 1024  # KiB


def png(width: int, height: int) -> bytes:
    def chunk(name, data):
        end = struct.pack('>I', zlib.crc32(name + data))
        return struct.pack('>I', len(data)) + name + data + end

    header = struct.pack('>2I5B', width, height, 8, 2, 0, 0, 0)
    parts = chunk(b'IHDR', header), chunk(b'IDAT', zlib.compress(bytes(1000))), chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + b''.join(parts)


def with_size(suffix: str, height: int, width: int) -> bytes:
    """A small file whose header claims another size."""
    content = opencv(suffix, COLOR)
    if suffix == '.png':
        return png(width, height)
    if suffix == '.jpg':
        start = content.index(b'\xff\xc0') + 5
        return content[:start] + struct.pack('>HH', height, width) + content[start + 4 :]
    if suffix == '.bmp':
        return content[:18] + struct.pack('<ii', width, height) + content[26:]
    if suffix == '.ras':
        return content[:4] + struct.pack('>II', width, height) + content[12:]
    if suffix == '.ppm':
        return content.replace(b'32 24', b'%d %d' % (width, height))
    stream = io.BytesIO(into_bytes(tifffile.imwrite, COLOR, photometric='rgb', compression='zlib'))
    with tifffile.TiffFile(stream, mode='r+') as file:
        for name, value in dict(ImageWidth=width, ImageLength=height, RowsPerStrip=height).items():
            file.pages[0].tags[name].overwrite(value, dtype='I')
        return stream.getvalue()


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.bmp', '.ras', '.ppm', '.tif'])
def test_claims_are_refused_before_anything_is_decoded(tmp_path, suffix):
    path = tmp_path / f'a{suffix}'
    path.write_bytes(with_size(suffix, 60000, 60000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        ValueError, match=rf'a{suffix}: expected at most {MAX_PIXELS} pixels .*60000'
    ):
        read_image(str(path), channels=3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_claims_that_so_few_bytes_cannot_hold(tmp_path, suffix):
    path = tmp_path / f'a{suffix}'
    path.write_bytes(with_size(suffix, 10000, 10000))
    with pytest.raises(ValueError, match=f'a{suffix} is corrupt .* claims 10000 x 10000 pixels'):
        read_image(str(path), channels=3)


@pytest.mark.parametrize('mode', ['L', '1', 'RGB'])
@pytest.mark.parametrize('suffix', ['png', 'jpg'])
def test_pictures_of_one_color_are_believed(tmp_path, suffix, mode):
    path = str(tmp_path / f'a.{suffix}')
    kind = dict(optimize=True, quality=1, progressive=True) if suffix == 'jpg' else {}
    Image.new(mode, (3000, 2000)).save(path, **kind)
    assert read_image(path).shape[:2] == (2000, 3000)


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.bmp', '.ras', '.ppm', '.hdr', '.pfm'])
def test_declared_size(suffix):
    image = COLOR.astype(np.float32) if suffix in ('.hdr', '.pfm') else COLOR
    assert declared_size(opencv(suffix, image)) == COLOR.shape[:2]


@pytest.mark.parametrize(
    'exif', [b'', b'Exif\0\0', b'Exif\0\0II*\0\xff\xff\xff\xff', b'Exif\0\0junk']
)
def test_damaged_exif_is_no_orientation(exif):
    assert exif_orientation(b'\xff\xd8\xff\xe1\0\x20' + exif) == 1


@pytest.mark.parametrize(
    ('before', 'behind', 'orientation'),
    [(0, 2 * ENDS, 6), (ENDS - 3, 9, 6), (2 * ENDS, 9, 6), (ENDS, 2 * ENDS, 1)],
)
def test_exif_is_at_an_end_of_the_file(before, behind, orientation):
    exif = Image.Exif()
    exif[274] = 6
    content = b'\x89P' + bytes(before) + b'eXIf' + exif.tobytes() + bytes(behind)
    assert exif_orientation(content) == orientation


@pytest.mark.parametrize(
    ('header', 'message'),
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (60000, 60000)}", 'buffer is smaller'),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4)}", r'got shape \(-1, 4\)'),
        ("{'descr': '<U2', 'fortran_order': False, 'shape': (1, 1)}", 'array of numbers, got .*U2'),
    ],
)
def test_npy_headers(header, message):
    text = header.encode()
    content = b'\x93NUMPY\x01\0' + struct.pack('<H', len(text)) + text + bytes(8)
    with pytest.raises(ValueError, match=message):
        decode_npy(content)
