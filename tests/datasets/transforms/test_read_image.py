import os
import subprocess
import sys
import zlib

import cv2
import mmcv
import numpy as np
import pytest
import tifffile
from PIL import Image

from mmamf.datasets.transforms import LoadLabelMap
from mmamf.datasets.transforms import read_image as module
from mmamf.datasets.transforms.read_image import read_image

RNG = np.random.default_rng(0)
COLOR = cv2.resize(RNG.integers(0, 255, (6, 8, 3)).astype(np.uint8), (64, 48))
DEPTH = RNG.integers(0, 2**16, (48, 64)).astype(np.uint16)
METERS = DEPTH.astype(np.float32) / 1000


@pytest.mark.parametrize('suffix', ['.png', '.tiff'])
@pytest.mark.parametrize(
    'image',
    [COLOR, COLOR[..., 0], DEPTH, np.stack([DEPTH] * 3, -1)],
    ids=['8x3', '8', '16', '16x3'],
)
def test_lossless_files_come_back_as_they_were_written(tmp_path, suffix, image):
    path = str(tmp_path / f'a{suffix}')
    cv2.imwrite(path, image)
    read = read_image(path)
    assert read.dtype == image.dtype
    np.testing.assert_array_equal(read, image)


def test_float_tiff_and_npy(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.tif'), METERS)
    np.testing.assert_array_equal(read_image(str(tmp_path / 'a.tif')), METERS)
    five = np.stack([METERS] * 5, -1)
    np.save(tmp_path / 'a.npy', five)
    np.testing.assert_array_equal(read_image(str(tmp_path / 'a.npy')), five)
    np.save(tmp_path / 'a.npy', five[..., :1])
    np.testing.assert_array_equal(read_image(str(tmp_path / 'a.npy')), METERS)


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.tiff', '.bmp'])
def test_color_equals_stock_mmcv(tmp_path, suffix):
    path = str(tmp_path / f'a{suffix}')
    cv2.imwrite(path, COLOR)
    np.testing.assert_array_equal(read_image(path), mmcv.imread(path))


def test_alpha_is_dropped_as_stock_mmcv_does(tmp_path):
    path = str(tmp_path / 'a.png')
    cv2.imwrite(path, np.dstack([COLOR, COLOR[..., 0]]))
    np.testing.assert_array_equal(read_image(path), COLOR)


@pytest.mark.parametrize('maximum', [1, 3, 15, 255, 1000])
def test_gray_values_of_low_depth_are_not_stretched(tmp_path, maximum):
    """As a network shall see them: OpenCV and Pillow stretch them to 8 or 16 bits."""
    stored = np.arange(48).reshape(6, 8) % (maximum + 1)
    (tmp_path / 'a.pgm').write_text(
        f'P2\n8 6\n{maximum}\n' + ' '.join(map(str, stored.ravel().tolist())) + '\n'
    )
    files = [tmp_path / 'a.pgm']
    if maximum in (3, 15):
        image = Image.fromarray(stored.astype(np.uint8), 'P')
        image.putpalette([0, 0, 0] * (maximum + 1))
        image.save(tmp_path / 'a.png', bits=2 if maximum == 3 else 4)
        content = bytearray((tmp_path / 'a.png').read_bytes())
        content[25] = 0  # gray instead of a palette
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, 'big')
        start = content.index(b'PLTE') - 4
        del content[start : start + 12 + 3 * (maximum + 1)]
        (tmp_path / 'a.png').write_bytes(content)
        files.append(tmp_path / 'a.png')
    if maximum == 1:
        Image.fromarray(stored.astype(bool)).save(tmp_path / 'a.png')
        files.append(tmp_path / 'a.png')
    for file in files:
        for channels in (None, 0, 1):
            read = read_image(str(file), channels=channels)
            assert read.dtype == (np.uint16 if maximum > 255 else np.uint8)
            np.testing.assert_array_equal(read, stored)


def test_gray_with_alpha(tmp_path):
    both = np.stack([COLOR[..., 0], COLOR[..., 1]], -1)
    Image.fromarray(both, 'LA').save(tmp_path / 'a.png')
    for channels, expected in ((1, both[..., 0]), (2, both), (0, both)):
        read = read_image(str(tmp_path / 'a.png'), channels=channels)
        np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize('name', ['a.npz', 'a.npy'])
def test_archive_of_arrays(tmp_path, name):
    np.savez(tmp_path / 'a.npz', METERS)
    (tmp_path / 'a.npz').rename(tmp_path / name)
    with pytest.raises(
        ValueError, match=f'{name}: expected one array as np.save writes it .*savez'
    ):
        read_image(str(tmp_path / name))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='image file not found: .*none.png'):
        read_image(str(tmp_path / 'none.png'))


@pytest.mark.parametrize('share', [0.0, 0.3, 0.6, 0.95])
@pytest.mark.parametrize(
    ('suffix', 'image'),
    [('.png', COLOR), ('.png', DEPTH), ('.jpg', COLOR), ('.tiff', COLOR), ('.tiff', DEPTH)],
    ids=['png8', 'png16', 'jpeg', 'tiff8', 'tiff16'],
)
def test_truncated_file_is_refused(tmp_path, suffix, image, share):
    path = tmp_path / f'cut{suffix}'
    content = cv2.imencode(suffix, image)[1].tobytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=rf'cut{suffix} is corrupt'):
        read_image(str(path))


@pytest.mark.parametrize('share', [0.1, 0.6])
def test_truncated_npy_is_refused(tmp_path, share):
    np.save(tmp_path / 'cut.npy', METERS)
    content = (tmp_path / 'cut.npy').read_bytes()
    (tmp_path / 'cut.npy').write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match='cut.npy is corrupt or truncated'):
        read_image(str(tmp_path / 'cut.npy'))


def test_pickled_npy_is_refused(tmp_path):
    np.save(tmp_path / 'a.npy', np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match='a.npy is corrupt'):
        read_image(str(tmp_path / 'a.npy'))


def test_truncated_jpeg_is_refused_where_opencv_is_lenient(tmp_path, monkeypatch):
    content = cv2.imencode('.jpg', COLOR)[1].tobytes()
    (tmp_path / 'cut.jpg').write_bytes(content[: len(content) // 2])
    (tmp_path / 'more.jpg').write_bytes(content + bytes(100))
    monkeypatch.setattr(module.mmcv, 'imfrombytes', lambda *args, **kwargs: COLOR)
    with pytest.raises(ValueError, match='cut.jpg is corrupt or truncated: image file is trunc'):
        read_image(str(tmp_path / 'cut.jpg'))
    read_image(str(tmp_path / 'more.jpg'))


def test_text_file_is_refused(tmp_path):
    (tmp_path / 'a.png').write_text('<html>not found</html>')
    with pytest.raises(
        ValueError, match='a.png is corrupt, truncated or not an image: expected PNG'
    ):
        read_image(str(tmp_path / 'a.png'))


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('suffix', ['.npy', '.tiff'])
def test_not_finite_is_left_to_the_caller(tmp_path, value, suffix):
    path = str(tmp_path / f'a{suffix}')
    image = METERS.copy()
    image[3, 4:6] = value
    np.save(path, image) if suffix == '.npy' else cv2.imwrite(path, image)
    np.testing.assert_array_equal(read_image(path), image)


@pytest.mark.parametrize('shape', [(7,), (2, 3, 4, 5), (0, 4), (4, 0, 3)])
def test_npy_that_is_no_image_is_refused(tmp_path, shape):
    np.save(tmp_path / 'a.npy', np.zeros(shape))
    with pytest.raises(ValueError, match='a.npy: expected an array .* got shape'):
        read_image(str(tmp_path / 'a.npy'))


# OpenCV reads the variable once, when it is loaded: each case needs a process of its own.
EXR = """
import sys, cv2, numpy as np
from mmamf.datasets.transforms.read_image import read_image
a = np.arange(6, dtype=np.float32).reshape(2, 3)
if sys.argv[2] == 'write':
    cv2.imwrite(sys.argv[1], a)
    assert (read_image(sys.argv[1]) == a).all()
try:
    read_image(sys.argv[1])
except ValueError as error:
    print(error)
"""


def test_exr_with_and_without_the_codec(tmp_path):
    def run(enabled: str, mode: str) -> str:
        env = dict(os.environ, OPENCV_IO_ENABLE_OPENEXR=enabled, NO_ALBUMENTATIONS_UPDATE='1')
        command = [sys.executable, '-c', EXR, str(tmp_path / 'a.exr'), mode]
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout

    assert run('1', 'write') == ''
    assert 'OPENCV_IO_ENABLE_OPENEXR=1 is set before Python starts' in run('0', 'read')


BANDS = np.random.default_rng(1).integers(0, 2**16, (12, 9, 8)).astype(np.uint16)
KINDS = {
    'interleaved': dict(photometric='minisblack', planarconfig='contig'),
    'planar': dict(photometric='minisblack', planarconfig='separate'),
    'pages': dict(photometric='minisblack'),
    'color': dict(photometric='rgb', planarconfig='contig'),
    'compressed': dict(photometric='minisblack', planarconfig='contig', compression='zlib'),
    'bigtiff': dict(photometric='minisblack', planarconfig='contig', bigtiff=True),
    'big-endian': dict(photometric='minisblack', planarconfig='contig', byteorder='>'),
}


def write_bands(path, image, kind):
    planes = kind in ('planar', 'pages')
    stored = np.ascontiguousarray(image.transpose(2, 0, 1)) if planes else image
    tifffile.imwrite(path, stored, **KINDS[kind])
    return str(path)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('bands', [2, 4, 5, 8])
@pytest.mark.parametrize('dtype', ['uint8', 'uint16', 'int16', 'float32'])
def test_bands_come_in_the_order_of_the_file(tmp_path, kind, bands, dtype):
    if kind == 'color' and bands == 2:
        return  # there are none
    image = (BANDS[..., :bands] // 300).astype(dtype)
    read = read_image(write_bands(tmp_path / 'a.tif', image, kind), channels=bands)
    assert read.dtype == dtype and read.dtype.isnative
    np.testing.assert_array_equal(read, image)
    np.save(tmp_path / 'a.npy', image)
    np.testing.assert_array_equal(read_image(str(tmp_path / 'a.npy'), channels=bands), image)


def test_alpha_is_a_band_if_four_are_expected(tmp_path):
    path = str(tmp_path / 'a.png')
    cv2.imwrite(path, np.dstack([COLOR[..., ::-1], COLOR[..., 0]]))
    bands = read_image(path, channels=4)
    np.testing.assert_array_equal(bands, np.dstack([COLOR, COLOR[..., 0]]))
    np.testing.assert_array_equal(read_image(path, channels=3), COLOR[..., ::-1])


@pytest.mark.parametrize('kind', ['interleaved', 'planar', 'color', 'bigtiff', 'big-endian'])
@pytest.mark.parametrize('bands', [4, 8])
@pytest.mark.parametrize('channels', [None, 1, 3])
def test_bands_that_opencv_would_drop_are_refused(tmp_path, kind, bands, channels):
    path = write_bands(tmp_path / 'a.tif', BANDS[..., :bands], kind)
    if kind == 'color' and bands == 4:  # a picture with alpha
        image = BANDS[..., 2::-1]
        return np.testing.assert_array_equal(read_image(path, channels=channels), image)
    wanted = channels or '1 or 3'
    message = rf'a.tif: expected {wanted} channel\(s\), got a TIFF of {bands} bands'
    with pytest.raises(ValueError, match=message):
        read_image(path, channels=channels)


@pytest.mark.parametrize('dtype', ['uint8', 'uint16'])
@pytest.mark.parametrize('bands', [2, 4])
@pytest.mark.parametrize('extra', ['unspecified', 'unassalpha', 'assocalpha'])
@pytest.mark.parametrize('big', [False, True])
def test_a_further_band_is_no_alpha_unless_the_file_says_so(tmp_path, big, extra, bands, dtype):
    image = (BANDS[..., :bands] // 300).astype(dtype)
    path = str(tmp_path / 'a.tif')
    kind = 'rgb' if bands == 4 else 'minisblack'
    layout = dict(planarconfig='contig', bigtiff=big)
    tifffile.imwrite(path, image, photometric=kind, extrasamples=[extra], **layout)
    if extra != 'unspecified':
        read = read_image(path, channels=bands - 1)
        assert read.dtype == dtype
        return np.testing.assert_array_equal(read, image[..., [2, 1, 0] if bands == 4 else 0])
    with pytest.raises(ValueError, match=rf'a.tif: expected .* got a TIFF of {bands} bands'):
        read_image(path, channels=bands - 1)


@pytest.mark.parametrize('share', [0.0035, 0.02, 0.5, 0.9])
def test_truncated_bands_are_refused(tmp_path, share):
    path = write_bands(tmp_path / 'cut.tif', BANDS, 'interleaved')
    with open(path, 'rb') as file:
        content = file.read()
    with open(path, 'wb') as file:
        file.write(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match='cut.tif is corrupt or truncated'):
        read_image(path, channels=8)


def test_without_tifffile(tmp_path, monkeypatch):
    path = write_bands(tmp_path / 'a.tif', BANDS, 'interleaved')
    monkeypatch.setitem(sys.modules, 'mmamf.datasets.transforms.tiff_content', None)
    with pytest.raises(ImportError, match='a.tif: .* need tifffile: pip install tifffile'):
        read_image(path, channels=8)


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.webp', '.tif'])
@pytest.mark.parametrize('orientation', [1, 3, 6])
def test_files_are_read_as_stored_with_one_warning_per_folder(
    tmp_path, suffix, orientation, monkeypatch
):
    said = []
    monkeypatch.setattr(module, 'print_log', lambda message, *args: said.append(message))
    exif = Image.Exif()
    exif[274] = orientation
    color = Image.fromarray(COLOR)
    for name in 'ab':
        path = str(tmp_path / f'{name}{suffix}')
        kind = dict(tiffinfo=exif) if suffix == '.tif' else dict(exif=exif)
        color.save(path, **kind)
        color.save(str(tmp_path / f'plain{suffix}'))
        for channels in (3, 4):
            np.testing.assert_array_equal(
                read_image(path, channels=channels),
                read_image(str(tmp_path / f'plain{suffix}'), channels=channels),
            )
    assert len(said) == (orientation != 1)
    assert all(
        f'a{suffix} has the orientation {orientation} in its header' in text for text in said
    )


def test_label_maps_are_read_as_stored_too(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    label = (COLOR[..., 0] > 99).astype(np.uint8)
    Image.fromarray(label).save(tmp_path / 'label.png', exif=exif)
    path = str(tmp_path / 'label.png')
    results = LoadLabelMap()(dict(seg_map_path=path, reduce_zero_label=False))
    np.testing.assert_array_equal(results['gt_seg_map'], label)


@pytest.mark.parametrize(
    ('make', 'kind', 'message'),
    [
        (lambda path: path.mkdir(), ValueError, 'expected a file, got a folder'),
        (lambda path: path.touch(), ValueError, 'expected an image, got a file of 0 bytes'),
        (lambda path: path.symlink_to(path), ValueError, 'cannot be read: .*symbolic links'),
        (lambda path: path.symlink_to('none'), FileNotFoundError, r'not found: .*a link to none'),
        (lambda path: None, FileNotFoundError, 'image file not found'),
    ],
    ids=['folder', 'empty', 'loop', 'broken link', 'none'],
)
@pytest.mark.parametrize('suffix', ['png', 'npy', 'tif'])
def test_what_is_no_file(tmp_path, make, kind, message, suffix):
    path = tmp_path / f'a.{suffix}'
    make(path)
    with pytest.raises(kind, match=message) as caught:
        read_image(str(path))
    assert str(path) in str(caught.value)


def test_no_permission_and_a_file_as_folder(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, 'Permission denied')

    (tmp_path / 'a.png').touch()
    with pytest.raises(FileNotFoundError, match='image file not found: .*a.png/b.png'):
        read_image(str(tmp_path / 'a.png' / 'b.png'))
    monkeypatch.setattr(module.fileio, 'get', refuse)
    with pytest.raises(ValueError, match="a.png' cannot be read: .*Permission denied"):
        read_image(str(tmp_path / 'a.png'))


def test_no_memory(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise MemoryError

    cv2.imwrite(str(tmp_path / 'a.png'), DEPTH)
    monkeypatch.setattr(module.mmcv, 'imfrombytes', refuse)
    with pytest.raises(ValueError, match='a.png: expected an image that fits into memory'):
        read_image(str(tmp_path / 'a.png'))
