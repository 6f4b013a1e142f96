import numpy as np
import pytest

from mmamf.planning.prints.file_prints import ImagePrint
from mmamf.planning.prints.measure_image import measure_image
from mmamf.planning.prints.modality_rules import collect_missing, words_of
from mmamf.planning.prints.summarize_modality import summarize_modality


@pytest.fixture
def summarize(tmp_path):
    def write(name, *images, train=None):
        prints = []
        for index, image in enumerate(images):
            np.save(tmp_path / f'{index}.npy', image)
            prints.append((str(index), measure_image(f'{index}.npy', tmp_path)))
        return summarize_modality(name, prints, train or set())

    return write


@pytest.fixture
def random():
    return np.random.default_rng(0)


def depth_map(random, dtype=np.uint16):
    image = random.normal(3000, 500, (60, 80)).clip(500, 9000)
    image[:5] = 0
    return image.astype(dtype)


def test_depth_in_millimeters_with_holes(summarize, random):
    image = depth_map(random)
    found = summarize('depth', image)
    assert (found.kind, found.unit, found.scale, found.missing) == ('depth', 'mm', 0.001, (0.0,))
    assert found.mean[0] == pytest.approx(image[image > 0].mean())
    assert found.std[0] == pytest.approx(image[image > 0].std())
    assert found.missing_share == pytest.approx(5 / 60)
    assert found.smallest[0] >= 500 and not found.colored
    with_empty = summarize('depth', image, np.zeros_like(image))  # depth is absent in the second
    assert with_empty.missing_share == pytest.approx(5 / 60)


def test_depth_in_meters_and_nan(summarize, random):
    image = depth_map(random, np.float32) / 1000
    image[image == 0] = np.nan
    found = summarize('left_depth', image)
    assert (found.unit, found.scale) == ('m', 1)
    assert len(found.missing) == 1 and np.isnan(found.missing[0])


@pytest.mark.parametrize(
    ('name', 'factor', 'dtype', 'unit'),
    [
        ('disparity', 0.01, np.float32, 'disparity'),
        ('depth', 0.03, np.uint8, '8-bit'),
        ('depth', 1, np.float32, 'mm'),
        ('Tiefe', 1, np.uint16, 'mm'),
        ('profondeur', 0.001, np.float32, 'm'),
        ('depth', 15, np.uint16, 'unknown'),
        ('thermal', 1, np.uint16, 'unknown'),
    ],
)
def test_unit(summarize, random, name, factor, dtype, unit):
    assert summarize(name, (depth_map(random, np.float64) * factor).astype(dtype)).unit == unit


def test_zeros_beside_dark_pixels_are_readings(summarize, random):
    image = random.integers(0, 4000, (60, 80)).astype(np.uint16)
    image[:5] = 0
    found = summarize('thermal', image)
    assert found.missing == () and found.smallest == (0,)
    assert found.mean[0] == pytest.approx(image.mean())


def test_zeros_around_a_body_are_no_readings(summarize, random):
    image = random.integers(1, 4000, (60, 80)).astype(np.uint16)  # the body has dark pixels
    image[:40] = 0
    assert summarize('flair', image).missing == (0,)


def test_black_is_a_color(summarize, random):
    image = random.integers(50, 255, (60, 80, 3), np.uint8)
    image[:20] = 0
    found = summarize('rgb', image)
    assert (found.missing, found.kind, found.unit, found.colored) == ((), 'image', 'color', True)
    np.testing.assert_allclose(found.mean, image.reshape(-1, 3).mean(0))
    np.testing.assert_allclose(found.std, image.reshape(-1, 3).std(0))


def test_only_training_samples_give_the_statistics(summarize, random):
    train, val = (np.full((4, 5), value, np.uint16) for value in (1000, 5000))
    found = summarize('thermal', train, val, train={'0'})
    assert (found.mean, found.std, found.largest) == ((1000,), (0,), (5000,))
    assert found.constant_bands == (0,)


def normals(random):
    vectors = random.normal(size=(60, 80, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors


def test_normals_have_unit_length(summarize, random):
    vectors = normals(random)
    stored = np.rint(vectors * 127.5 + 127.5).astype(np.uint8)
    assert summarize('normals', stored).kind == 'normal'
    assert summarize('normal', vectors.astype(np.float32)).kind == 'normal'
    assert summarize('rgb', stored).kind == 'image'
    assert summarize('normal', random.integers(0, 90, (9, 9, 3), np.uint8)).kind == 'image'
    stored[:5] = 0
    found = summarize('normal', stored)
    assert (found.kind, found.missing) == ('normal', (0.0,))
    assert found.missing_share == pytest.approx(5 / 60)


def test_edges_are_sparse(summarize, random):
    edges = np.where(random.random((60, 80)) < 0.1, 255, 0).astype(np.uint8)
    found = summarize('edge', edges)
    assert (found.kind, found.missing) == ('edge', ())
    assert summarize('edge', random.integers(50, 255, (60, 80), np.uint8)).kind == 'image'


def test_constant_and_equal_bands_in_all_files(summarize, random):
    images = [random.integers(1, 255, (9, 9, 4), np.uint8) for _ in range(2)]
    for image in images:
        image[..., 3], image[..., 2] = 7, image[..., 1]
    images[0][..., 0] = images[0][..., 1]
    found = summarize('bands', *images)
    assert (found.constant_bands, found.equal_bands) == ((3,), ((1, 2),))


def test_files_of_several_dtypes_are_counted(summarize, random):
    images = [depth_map(random), depth_map(random), depth_map(random, np.float32)]
    found = summarize('depth', *images)
    assert found.dtypes == {'uint16': 2, 'float32': 1} and found.count == 3
    assert len(found.bins) == len(found.histogram) + 1
    assert sum(found.histogram) == 2 * 60 * 80


def test_saturation(summarize):
    image = np.arange(100, dtype=np.uint16).reshape(10, 10) + 20000
    image[:3] = 65535
    assert summarize('thermal', image).saturated_share == pytest.approx(0.3)


def test_files_with_errors_are_left_out():
    found = summarize_modality('rgb', [('a', ImagePrint('a.png', 'damaged'))], set())
    assert (found.count, found.mean, found.kind) == (0, (), 'image')


def test_sentinels_of_few_pixels_are_readings():
    assert collect_missing(False, 0, (7,), {-9999.0: 5, -999.0: 1, 1e38: 1}, 20000) == (
        -9999.0, 7.0, 1e38,
    )  # fmt: skip


def test_words():
    assert words_of('leftDepth_16') == {'left', 'depth'}
