import cv2
import numpy as np
import pytest

from mmamf.datasets import NYUDv2Dataset
from mmamf.datasets.nyudv2_13_dataset import NYUDv2Dataset13

pytestmark = pytest.mark.usefixtures('mmseg_scope')

# 1-based class of 13 for each of the 40, as in class13Mapping.mat of the SceneNet authors
CLASS_13 = [
    12, 5, 6, 1, 4, 9, 10, 12, 13, 6, 8, 6, 13, 10, 6, 13, 6, 7, 7, 5,
    7, 3, 2, 6, 11, 7, 7, 7, 7, 7, 7, 6, 7, 7, 7, 7, 7, 7, 6, 7,
]  # fmt: skip
LOADING = [
    dict(
        type='LoadMultimodalImages',
        modalities=dict(
            rgb=dict(channels=3, dtype='uint8'),
            depth=dict(channels=1, dtype='uint16', missing=0),
        ),
    ),
    dict(type='LoadLabelMap'),
    dict(type='PackMultimodalSegInputs'),
]


@pytest.fixture
def root(make_rgbd_dataset):
    """A folder whose first label map holds each of the 40 classes and 255, in rows."""
    root = make_rgbd_dataset(count=2, size=(41, 64))
    (root / 'label').rename(root / 'masks')
    label = np.repeat(np.array([*range(40), 255], np.uint8)[:, None], 64, axis=1)
    cv2.imwrite(str(root / 'masks' / '00.png'), label)
    return root


def rows(dataset):
    """Return the loaded class of each row of the first label map."""
    label = dataset[0]['data_samples'].gt_sem_seg.data[0].numpy()
    assert (label == label[:, :1]).all()
    return label[:, 0].tolist()


def test_thirteen_classes_with_the_toolboxs_colors():
    meta = NYUDv2Dataset13.METAINFO
    assert len(set(meta['classes'])) == len({tuple(color) for color in meta['palette']}) == 13
    colors = dict(zip(meta['classes'], meta['palette']))
    assert colors['bed'] == [0, 0, 255] and colors['tv'] == [0, 166, 156]
    assert colors['wall'] == [249, 139, 0] and colors['window'] == [225, 228, 194]


def test_label_map_is_the_published_one():
    label_map = NYUDv2Dataset13.get_label_map()
    assert [label_map[i] + 1 for i in range(40)] == CLASS_13
    assert len(label_map) == 40
    names = ('bed', 'books', 'ceiling', 'chair', 'floor', 'furniture', 'objects', 'picture', 'sofa')
    assert NYUDv2Dataset13.METAINFO['classes'][:9] == names


def test_labels_are_merged_when_they_are_loaded(root):
    dataset = NYUDv2Dataset13(data_root=str(root), pipeline=LOADING)
    assert rows(dataset) == [c - 1 for c in CLASS_13] + [255]
    assert dataset.metainfo['classes'] == NYUDv2Dataset13.METAINFO['classes']
    assert dataset[0]['data_samples'].modalities == ('rgb', 'depth')


@pytest.mark.parametrize('value', [40, 254])
def test_labels_outside_the_forty(root, value):
    cv2.imwrite(str(root / 'masks' / '00.png'), np.full((41, 64), value, np.uint8))
    dataset = NYUDv2Dataset13(data_root=str(root), pipeline=LOADING)
    with pytest.raises(ValueError, match=rf'expected 0..12 or 255, got \[{value}\]'):
        dataset[0]


def test_some_of_the_classes(root):
    dataset = NYUDv2Dataset13(
        data_root=str(root), pipeline=LOADING, metainfo=dict(classes=('wall', 'bed'))
    )
    assert rows(dataset) == [{12: 0, 1: 1}.get(c, 255) for c in CLASS_13] + [255]
    of_13 = NYUDv2Dataset13.METAINFO
    assert dataset.metainfo['palette'] == [
        of_13['palette'][of_13['classes'].index(name)] for name in ('wall', 'bed')
    ]


def test_real_frames(nyuv2_samples):
    as_40 = NYUDv2Dataset(data_root=str(nyuv2_samples), ann_file='train.txt', pipeline=LOADING)
    as_13 = NYUDv2Dataset13(data_root=str(nyuv2_samples), ann_file='train.txt', pipeline=LOADING)
    table = np.full(256, 255)
    table[:40] = np.array(CLASS_13) - 1
    for i in range(len(as_40)):
        fine, coarse = (d[i]['data_samples'].gt_sem_seg.data.numpy() for d in (as_40, as_13))
        np.testing.assert_array_equal(coarse, table[fine])
        assert len(np.unique(coarse)) > 4
