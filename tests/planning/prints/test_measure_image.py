import cv2
import numpy as np
import pytest
import tifffile

from mmamf.planning.prints.measure_image import measure_image
from mmamf.planning.prints.value_bins import bin_edges


def measure(tmp_path, image, name='x.npy', **kwargs):
    path = tmp_path / name
    if name.endswith('.npy'):
        np.save(path, image)
    elif name.endswith('.tif'):
        tifffile.imwrite(path, image, **kwargs)
    else:
        cv2.imwrite(str(path), image)
    return measure_image(name, tmp_path)


@pytest.mark.parametrize(
    'dtype', ['uint8', 'uint16', 'int16', 'int8', 'float32', 'float64', 'int32']
)
def test_numbers_equal_numpy(tmp_path, dtype):
    random = np.random.default_rng(0)
    low = 0 if dtype.startswith('u') else -100
    image = random.integers(low, 101, (30, 40, 3)).astype(dtype)
    found = measure(tmp_path, image)
    assert found.error is None and found.format == 'NPY'
    assert (found.dtype, found.size) == (dtype, (30, 40))
    for band, values in zip(found.bands, np.moveaxis(image.astype(np.float64), -1, 0)):
        readings = values[values != 0]
        assert band.count == readings.size
        assert band.zeros == (values == 0).sum()
        assert band.sum == pytest.approx(readings.sum())
        assert band.squares == pytest.approx((readings**2).sum())
        assert (band.smallest, band.largest) == (readings.min(), readings.max())
        assert not band.constant
    expected, _ = np.histogram(image, bin_edges(dtype)[1:-1] if low else bin_edges(dtype))
    histogram = found.histogram[1:-1] if low else found.histogram
    np.testing.assert_array_equal(histogram, expected)
    assert found.all_zero == (~image.any(-1)).sum()


def test_bands_of_a_picture_are_red_green_blue(tmp_path):
    image = np.zeros((4, 5, 3), np.uint8)
    image[...] = 10, 20, 30  # BGR
    found = measure(tmp_path, image, 'x.png')
    assert [band.smallest for band in found.bands] == [30, 20, 10]
    assert all(band.constant for band in found.bands)
    assert found.equal_bands == () and found.format == 'PNG'


def test_equal_bands_are_found(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (8, 9, 3), np.uint8)
    image[..., 2] = image[..., 0]
    assert measure(tmp_path, image).equal_bands == ((0, 2),)


def test_missing_floats_are_left_out(tmp_path):
    image = np.linspace(1, 2, 100, dtype=np.float32).reshape(10, 10)
    image[0, 0], image[0, 1], image[0, 2:4], image[0, 4] = np.nan, np.inf, -9999, 1e38
    found = measure(tmp_path, image)
    assert found.not_finite == 2
    assert found.sentinels == {-9999.0: 2, float(np.float32(1e38)): 1}
    (band,) = found.bands
    assert band.count == 95 == sum(found.histogram)
    assert 1 < band.smallest < 1.1 and band.largest == 2


def test_a_number_among_the_readings_is_no_sentinel(tmp_path):
    image = np.arange(-2000, 2000, dtype=np.int16).reshape(40, 100)
    for stored in (image, image.astype(np.float32)):
        found = measure(tmp_path, stored)
        assert found.sentinels == {} and found.bands[0].count == 3999
        assert found.bands[0].smallest == -2000


@pytest.mark.parametrize(
    ('image', 'saturated'),
    [
        (np.full((10, 10), 255, np.uint8), 100),
        (np.full((10, 10), 254, np.uint8), 0),
        (np.full((10, 10), 65535, np.uint16), 100),
        (np.full((10, 10), 16383, np.uint16), 100),
        (np.full((10, 10), 16000, np.uint16), 0),
        (np.float32([[1, 2, 3, 3]]), 2),
        (np.arange(200, dtype=np.float32)[None], 0),
    ],
)
def test_saturated_pixels(tmp_path, image, saturated):
    assert measure(tmp_path, image).bands[0].saturated == saturated


def test_tiff_tells_nodata_orientation_and_planes(tmp_path):
    image = np.random.default_rng(0).integers(1, 9, (5, 12, 13), np.uint16)
    image[:, 0] = 7
    tags = [(42113, 's', 0, '7', True), (274, 'H', 1, 6, True)]
    found = measure(
        tmp_path, image, 'x.tif', planarconfig='separate', photometric='minisblack', extratags=tags
    )
    assert found.error is None
    assert (found.nodata, found.orientation, found.planar) == ((7.0,), 6, True)
    assert len(found.bands) == 5
    assert found.bands[0].count == (image[0] != 7).sum()


@pytest.mark.parametrize(
    'content', [b'', b'\x89PNG\r\n\x1a\n', b'II*\0abc', b'text', b'\xff\xd8\xff']
)
def test_a_damaged_file_gives_its_error(tmp_path, content):
    (tmp_path / 'x.png').write_bytes(content)
    assert 'x.png' in measure_image('x.png', tmp_path).error


def test_missing_file_and_broken_link_give_their_error(tmp_path):
    (tmp_path / 'link.png').symlink_to(tmp_path / 'nowhere.png')
    assert 'a link to' in measure_image('link.png', tmp_path).error
    assert 'not found' in measure_image('none.png', tmp_path).error


def test_look_survives_compression_and_size(tmp_path):
    random = np.random.default_rng(0)
    image = cv2.GaussianBlur(random.integers(0, 256, (240, 320, 3)).astype(np.float32), (0, 0), 25)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    look = measure(tmp_path, image, 'x.png').look
    for other in (
        measure(tmp_path, image, 'x.jpg').look,
        measure(tmp_path, cv2.resize(image, (160, 120)), 'y.png').look,
    ):
        assert (look ^ other).bit_count() <= 2
    assert (look ^ measure(tmp_path, image[::-1], 'z.png').look).bit_count() > 10
    assert 0 <= look < 2**64
