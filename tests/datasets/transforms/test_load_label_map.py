import cv2
import numpy as np
import pytest
from mmseg.datasets.transforms import LoadAnnotations

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
