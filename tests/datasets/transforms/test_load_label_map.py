import cv2
import numpy as np
import pytest
import tifffile
from mmengine.config import Config
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmamf.datasets import LoadLabelMap

LABEL = np.random.default_rng(0).integers(0, 5, (6, 8)).astype(np.uint8)
LABEL[0] = 255


@pytest.fixture
def write(tmp_path):
    def make(label: np.ndarray, **results) -> dict:
        cv2.imwrite(str(tmp_path / 'label.png'), label)
        return dict(
            dict(
                seg_map_path=str(tmp_path / 'label.png'),
                img_path='rgb.png',
                ori_shape=(6, 8),
                num_classes=5,
                seg_fields=[],
                label_map=None,
                reduce_zero_label=False,
            ),
            **results,
        )

    return make


@pytest.fixture
def said(monkeypatch) -> list[str]:
    texts = []
    monkeypatch.setattr(
        'mmamf.datasets.transforms.load_label_map.print_log', lambda text, **_: texts.append(text)
    )
    return texts


@pytest.mark.parametrize(
    'results',
    [
        dict(),
        dict(reduce_zero_label=True, num_classes=4),
        dict(label_map={0: 1, 1: 0, 2: 255, 3: 2, 4: 255}, num_classes=3),
    ],
    ids=['plain', 'reduce zero', 'subset of classes'],
)
def test_equals_stock(write, results):
    ours = LoadLabelMap()(write(LABEL, **results))
    stock = LoadAnnotations()(write(LABEL, **results))
    np.testing.assert_array_equal(ours['gt_seg_map'], stock['gt_seg_map'])
    assert ours['seg_fields'] == stock['seg_fields'] == ['gt_seg_map']


def test_sixteen_bit_file_with_small_values(write):
    ours = LoadLabelMap()(write(LABEL.astype(np.uint16)))
    np.testing.assert_array_equal(ours['gt_seg_map'], LABEL)


def test_lists_of_the_caller_are_not_shared(write):
    given = write(LABEL)
    fields = given['seg_fields']
    LoadLabelMap()(given)
    assert fields == []


@pytest.mark.parametrize(
    ('label', 'results', 'message'),
    [
        (LABEL, dict(num_classes=3), r'expected 0..2 or 255, got \[3, 4\] in .*label.png'),
        (LABEL, dict(reduce_zero_label=True, num_classes=3), r'expected 0..2 or 255, got \[3\]'),
        (np.where(LABEL == 0, 254, LABEL), dict(), r'expected 0..4 or 255, got \[254\]'),
        (LABEL.astype(np.uint16) + 256, dict(), r'expected 0..255, got 256..511 in .*label.png'),
        (LABEL[:5], dict(), r'expected \(6, 8\) as in rgb.png, got \(5, 8\) in .*label.png'),
        (
            np.dstack([LABEL] * 3),
            dict(),
            'label.png: expected one channel of class indices, got RGB',
        ),
    ],
    ids=['above', 'above reduced', 'near 255', '16 bit', 'size', 'colors'],
)
def test_bad_label_map(write, label, results, message):
    with pytest.raises(ValueError, match=message):
        LoadLabelMap()(write(label, **results))


@pytest.mark.parametrize('share', [0.0, 0.5, 0.9])
def test_truncated_file(write, tmp_path, share):
    results = write(np.random.default_rng(0).integers(0, 5, (60, 80)), ori_shape=(60, 80))
    content = (tmp_path / 'label.png').read_bytes()
    (tmp_path / 'label.png').write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match='label.png is corrupt or truncated'):
        LoadLabelMap()(results)


def test_damaged_file_that_decodes(write, tmp_path):
    # blocks, so that the damage is a wrong value and not a broken stream
    blocks = np.random.default_rng(0).integers(0, 5, (6, 8)).repeat(8, 0).repeat(8, 1)
    results = write(blocks.astype(np.uint8), ori_shape=(48, 64))
    content = bytearray((tmp_path / 'label.png').read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / 'label.png').write_bytes(content)
    with pytest.raises(ValueError, match='label.png is corrupt or truncated'):
        LoadLabelMap()(results)


def test_missing_file(write, tmp_path):
    results = write(LABEL)
    (tmp_path / 'label.png').unlink()
    with pytest.raises(FileNotFoundError, match='label map not found: .*label.png'):
        LoadLabelMap()(results)


def load(path, colors=None, **results) -> np.ndarray:
    given = dict(seg_map_path=str(path), label_map=None, reduce_zero_label=False, **results)
    return LoadLabelMap(colors=colors)(given)['gt_seg_map']


@pytest.mark.parametrize(
    ('stored', 'ignore_index', 'expected'),
    [
        (np.array([[0, 4, 2, 255]], np.uint8), 4, [0, 255, 2, 255]),
        (np.array([[0, 1, 2]], np.uint8), 0, [255, 1, 2]),  # which is a class as well
        (np.array([[0, 1, 65535]], np.uint16), 65535, [0, 1, 255]),
        (np.array([[-1, 1, -100]], np.int32), [-1, -100], [255, 1, 255]),
        (np.array([[-1, 0, 127]], np.int8), (-1, 127), [255, 0, 255]),
        (np.array([[False, True]]), 1, [0, 255]),
        (np.array([[np.nan, 2.0]]), float('nan'), [255, 2]),
        (np.array([[np.nan, -9999.0, 1.0]], np.float32), ['nan', -9999], [255, 255, 1]),
        (np.array([[np.inf, 1.0]], np.float32), 'inf', [255, 1]),
    ],
)
def test_ignore_index(tmp_path, stored, ignore_index, expected):
    np.save(tmp_path / 'label.npy', stored)
    label = load(tmp_path / 'label.npy', ignore_index=ignore_index, num_classes=3)
    assert label.dtype == np.uint8
    assert label.ravel().tolist() == expected


@pytest.mark.parametrize('wrong', [None, 'void', 1.5, {0}, [[0, 1]], [0, 'x']], ids=str)
def test_ignore_index_that_is_no_value(tmp_path, wrong):
    np.save(tmp_path / 'label.npy', LABEL)
    with pytest.raises(
        ValueError, match='^ignore_index: expected a whole number .* or a list.*got'
    ):
        load(tmp_path / 'label.npy', ignore_index=wrong)


@pytest.mark.parametrize('value', [128, 65535, 254])
@pytest.mark.parametrize('dtype', [np.uint16, np.int32, np.float32])
def test_masks_of_another_value_name_the_remedy(tmp_path, value, dtype):
    np.save(tmp_path / 'label.npy', np.array([[0, value, value]], dtype))
    advice = rf'only 0 and {value}. .*LoadLabelMap\(colors={{0: 0, {value}: 1}}\)'
    with pytest.raises(ValueError, match=advice):
        load(tmp_path / 'label.npy', num_classes=2)
    label = load(tmp_path / 'label.npy', {0: 0, value: 1}, num_classes=2)
    assert label.ravel().tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ('results', 'expected'),
    [
        (dict(reduce_zero_label=True), [255, 0, 255, 2, 255]),
        (dict(label_map={0: 255, 1: 0, 3: 1}), [255, 0, 255, 1, 255]),
        (dict(reduce_zero_label=True, label_map={0: 1, 2: 0}), [255, 1, 255, 0, 255]),
    ],
)
def test_ignore_index_comes_before_other_mappings(tmp_path, results, expected):
    np.save(tmp_path / 'label.npy', np.array([[0, 1, 2, 3, 255]]))
    given = dict(seg_map_path=str(tmp_path / 'label.npy'), ignore_index=2, num_classes=3)
    given |= dict(label_map=None, reduce_zero_label=False) | results
    assert LoadLabelMap()(given)['gt_seg_map'].ravel().tolist() == expected


@pytest.mark.parametrize(
    ('stored', 'message'),
    [
        (np.array([[np.nan, 0.0]]), r"expected whole numbers, got \[nan\] in 1 of 2.*'nan' for"),
        (
            np.array([[1.7, 0.0]]),
            r'label.npy: expected whole numbers, got \[1.7\] in 1 of 2 pixels',
        ),
        (np.array([[np.inf, 0.0]]), r'expected whole numbers, got \[inf\]'),
        (np.array([[-1, 0]]), r'expected 0..255, got -1..-1 in .*label.npy.*ignore_index'),
        (np.array([[65535.0, 0.0]]), r'expected 0..255, got 65535..65535'),
        (np.array([[2**40, 0]]), r'expected 0..255, got 1099511627776..1099511627776'),
        (np.array([[1j, 0]]), 'label.npy'),
        (np.array([['a', 'b']]), 'label.npy'),
        (np.zeros((3, 4, 4)), 'expected one channel of class indices, got RGBA'),
    ],
)
def test_values_that_are_no_class(tmp_path, stored, message):
    np.save(tmp_path / 'label.npy', stored)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / 'label.npy', num_classes=3)


@pytest.mark.parametrize(
    ('value', 'expected', 'warned'),
    [(200, [0, 1, 255], False), (0, [0, 1, 200], True), (255, [0, 1, 255], False)],
)
def test_nodata_of_a_tiff(tmp_path, said, value, expected, warned):
    stored = np.array([[0, 1, 255 if value == 255 else 200]], np.uint8)
    tags = [(42113, 's', 0, str(value), False)]
    tifffile.imwrite(tmp_path / 'label.tif', stored, extratags=tags)
    transform = LoadLabelMap()
    for _ in range(2):
        given = dict(seg_map_path=str(tmp_path / 'label.tif'), num_classes=201 if warned else 3)
        assert transform(given)['gt_seg_map'].ravel().tolist() == expected
    assert ' '.join(said).count('calls 0 "no data", which is a class') == warned


RGB = np.array([[(0, 0, 0), (255, 0, 0), (0, 0, 255)]], np.uint8)


@pytest.mark.parametrize(
    ('colors', 'expected'),
    [
        ({(0, 0, 0): 0, (255, 0, 0): 1, (0, 0, 255): 2}, [0, 1, 2]),
        ([(0, 0, 255), [255, 0, 0], (0, 0, 0)], [2, 1, 0]),
        ({(0, 0, 0): 255, (255, 0, 0): 0, (0, 0, 255): 0}, [255, 0, 0]),
    ],
)
@pytest.mark.parametrize('name', ['label.png', 'label.tif', 'label.npy', 'palette.png'])
def test_colors(tmp_path, name, colors, expected):
    if name.endswith('.npy'):
        np.save(tmp_path / name, RGB)
    else:
        image = Image.fromarray(RGB)
        (image.quantize(3) if 'palette' in name else image).save(tmp_path / name)
    assert load(tmp_path / name, colors, num_classes=3).ravel().tolist() == expected


def test_gray_values(tmp_path):
    Image.fromarray(np.array([[0, 255, 128]], np.uint8)).save(tmp_path / 'label.png')
    colors = {0: 0, 255: 1, 128: 255}
    assert load(tmp_path / 'label.png', colors, num_classes=2).ravel().tolist() == [0, 1, 255]
    # what is no color is ignored only if the data set says so
    assert load(tmp_path / 'label.png', [0, 255], ignore_index=128).ravel().tolist() == [0, 1, 255]
    with pytest.raises(ValueError, match='label.png: expected the 2 colors .*got 128 in 1 pixels'):
        load(tmp_path / 'label.png', [0, 255])


def test_gray_values_of_sixteen_bits(tmp_path):
    np.save(tmp_path / 'label.npy', np.array([[7000, 33001, 11000]], np.uint16))
    colors = {7000: 0, 11000: 1, 33001: 2}
    assert load(tmp_path / 'label.npy', colors, num_classes=3).ravel().tolist() == [0, 2, 1]


def test_unknown_colors(tmp_path):
    Image.fromarray(RGB.repeat(4, 0)).save(tmp_path / 'label.png')
    with pytest.raises(ValueError, match=r'label.png: .* got \(0, 0, 255\) in 4 pixels. Name them'):
        load(tmp_path / 'label.png', {(0, 0, 0): 0, (255, 0, 0): 1})


def test_colors_of_a_config_survive_saving(tmp_path):
    config = Config(dict(load=dict(type='LoadLabelMap', colors={(255, 0, 0): 1, (0, 0, 0): 0})))
    config.dump(tmp_path / 'config.py')
    Image.fromarray(RGB[:, :2]).save(tmp_path / 'label.png')
    colors = Config.fromfile(tmp_path / 'config.py').load.colors
    assert load(tmp_path / 'label.png', colors).ravel().tolist() == [0, 1]


@pytest.mark.parametrize(
    ('colors', 'message'),
    [
        ({(0, 0, 0): 0, 255: 1}, 'but not both'),
        ({(0, 0, 300): 0}, r'colors \(R, G, B\) from 0 to 255'),
        ({}, 'expected colors'),
        ([(1, 2, 3), (1, 2, 3)], 'each color once'),
        ({0: 256}, r'class indices from 0 to 254, or 255 to ignore, got \[256\]'),
        ({0: 'floor'}, 'class indices'),
    ],
)
def test_bad_colors(colors, message):
    with pytest.raises(ValueError, match=message):
        LoadLabelMap(colors=colors)


@pytest.mark.parametrize(
    ('second', 'warned'),
    [
        ([(0, 0, 0), (255, 0, 0), (0, 0, 255)], False),
        ([(0, 0, 0), (255, 0, 0)], False),
        ([(0, 0, 0), (0, 0, 255), (255, 0, 0)], True),
    ],
    ids=['same', 'shorter', 'other order'],
)
@pytest.mark.parametrize('suffix', ['png', 'tif', 'gif', 'bmp'])
def test_palettes_of_another_order(tmp_path, said, second, warned, suffix):
    transform = LoadLabelMap()
    first = [(0, 0, 0), (255, 0, 0), (0, 0, 255)]
    for i, palette in enumerate([first, second, second]):
        image = Image.fromarray(np.array([[0, 1, len(palette) - 1]], np.uint8), 'P')
        image.putpalette(np.ravel(palette).tolist())
        image.save(tmp_path / f'{i}.{suffix}')
        transform(dict(seg_map_path=str(tmp_path / f'{i}.{suffix}')))
    assert len(said) == warned
    if warned:
        assert f'1.{suffix}: index 1 has the color (0, 0, 255), and (255, 0, 0) in' in said[0]


def test_data_set_without_label_maps():
    with pytest.raises(ValueError, match='expected a label map for rgb.png, got none.*leave'):
        LoadLabelMap()(dict(img_path='rgb.png'))


def test_two_values_of_reduce_zero_label(write):
    with pytest.warns(UserWarning, match='deprecated'):
        transform = LoadLabelMap(reduce_zero_label=True)
    with pytest.raises(ValueError, match='reduce_zero_label: expected False, as in the data set'):
        transform(write(LABEL))
