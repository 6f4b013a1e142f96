import cv2
import numpy as np
import pytest
from PIL import Image

from mmamf.planning.prints import measure_label as module
from mmamf.planning.prints.measure_label import count_values, measure_label, measure_regions


@pytest.fixture
def label():
    label = np.zeros((20, 30), np.uint8)
    label[2:6, 3:8], label[10:12, 10:12] = 3, 3
    label[15:, 20:] = 255
    return label


def test_indices(tmp_path, label):
    cv2.imwrite(str(tmp_path / 'x.png'), label)
    found = measure_label('x.png', tmp_path)
    assert found.error is None and not found.lossy and found.format == 'PNG'
    assert found.values == {0: 526, 3: 24, 255: 50}
    assert (found.distinct, found.dtype, found.size) == (3, 'uint8', (20, 30))
    assert found.colors == {} and found.palette == ''


def test_palette(tmp_path, label):
    picture = Image.fromarray(label, 'P')
    picture.putpalette([0, 0, 0, 255, 0, 0] + [0] * 762)
    picture.save(tmp_path / 'x.png')
    found = measure_label('x.png', tmp_path)
    assert found.values == {0: 526, 3: 24, 255: 50}
    assert found.palette and found.palette_colors[:2] == ((0, 0, 0), (255, 0, 0))


@pytest.mark.parametrize('name', ['x.png', 'x.bmp', 'x.tif', 'x.ppm'])
def test_colors(tmp_path, name):
    image = np.zeros((4, 6, 3), np.uint8)
    image[0] = 0, 0, 255  # red in BGR
    cv2.imwrite(str(tmp_path / name), image)
    found = measure_label(name, tmp_path)
    assert found.colors == {(0, 0, 0): 18, (255, 0, 0): 6} and found.values == {}


def test_colors_of_an_array(tmp_path):
    np.save(tmp_path / 'x.npy', np.uint8([[[1, 2, 3], [1, 2, 3]]]))
    assert measure_label('x.npy', tmp_path).colors == {(1, 2, 3): 2}


def test_lossy_file_is_measured(tmp_path, label):
    cv2.imwrite(str(tmp_path / 'x.jpg'), label)
    found = measure_label('x.jpg', tmp_path)
    assert found.error is None and found.lossy and found.format == 'JPEG' and found.values[0] > 400


def test_nan_and_fractions(tmp_path):
    np.save(tmp_path / 'x.npy', np.float32([[0, 0.5, np.nan, np.nan], [1, 1, 1, 0]]))
    assert measure_label('x.npy', tmp_path).values == {1.0: 3, 0.0: 2, 'nan': 2, 0.5: 1}


def test_only_the_most_frequent_of_many_values_are_kept(tmp_path):
    np.save(tmp_path / 'x.npy', np.arange(3000, dtype=np.int32).reshape(30, 100))
    found = measure_label('x.npy', tmp_path)
    assert found.distinct == 3000 and len(found.values) == 1000 and found.object_sizes == ()


def test_errors_are_told(tmp_path):
    (tmp_path / 'x.png').write_bytes(b'text')
    assert 'x.png' in measure_label('x.png', tmp_path).error
    assert 'not found' in measure_label('none.png', tmp_path).error


@pytest.mark.parametrize('dtype', ['uint8', 'uint16', 'int32', 'float32'])
def test_count_values_equals_numpy(dtype):
    image = np.random.default_rng(0).integers(0, 9, (13, 17)).repeat(3, 1).astype(dtype)
    for found, expected in zip(count_values(image), np.unique(image, return_counts=True)):
        np.testing.assert_array_equal(found, expected)


def measured(label):
    return measure_regions(label, *count_values(label))


def test_regions(label):
    areas = {value: area for value, area, _ in measured(label)}
    assert areas == {0: 526, 3: 20, 255: 50}
    large = label.repeat(20, 0).repeat(20, 1)  # 400 x 600, thinned by 4
    assert measured(large)[1][1] == 20 * 400


def test_specks_of_a_class_are_no_objects():
    label = np.ones((100, 100), np.uint8)
    label[40:80, 10:90] = 0  # soil, and gaps between leaves
    label[2:30:4, 2:98:4], label[3:30:4, 2:98:4] = 0, 0
    assert measured(label)[0][1] == 40 * 80
    label[40:80, 10:90] = 1
    assert measured(label)[0][1] == 2


@pytest.mark.parametrize('angle', range(0, 180, 15))
def test_width_of_strips_and_disks(angle):
    rows, columns = np.mgrid[-300:300, -400:400] + 0.5
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    along, across = columns * cos + rows * sin, rows * cos - columns * sin
    label = ((abs(along) < 250) & (abs(across) < 2.5)).astype(np.uint8)
    assert 4.4 < measured(label)[1][2] < 6.5
    label[:] = 0
    cv2.circle(label, (400, 300), 60, 1, -1)
    assert measured(label)[1][2] == pytest.approx(60, rel=0.1)


def test_one_map_in_four_has_regions(tmp_path, label, monkeypatch):
    found = []
    for index in range(40):
        label[0, 0] = index
        cv2.imwrite(str(tmp_path / 'x.png'), label)
        found.append(bool(measure_label('x.png', tmp_path).object_sizes))
    assert 2 < sum(found) < 25
    monkeypatch.setattr(module, 'REGIONS_OF', 1)
    assert (255, 50) in [sizes[:2] for sizes in measure_label('x.png', tmp_path).object_sizes]
