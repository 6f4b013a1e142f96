import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import MODELS

from mmamf.datasets import NYUDv2Dataset

pytestmark = pytest.mark.usefixtures('mmseg_scope')

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


def test_forty_classes_with_distinct_colors():
    meta = NYUDv2Dataset.METAINFO
    assert len(set(meta['classes'])) == len({tuple(color) for color in meta['palette']}) == 40
    assert all(0 <= channel <= 255 for color in meta['palette'] for channel in color)


def test_colors_are_those_of_published_pictures():
    # PASCAL VOC's color map without its first color, black
    palette = NYUDv2Dataset.METAINFO['palette']
    assert palette[:8] == [
        [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128],
        [128, 0, 128], [0, 128, 128], [128, 128, 128], [64, 0, 0],
    ]  # fmt: skip
    assert palette[19] == [0, 64, 128] and palette[39] == [64, 0, 64]


def test_classes_are_spelled_as_in_the_official_mapping():
    classes = NYUDv2Dataset.METAINFO['classes']
    assert classes[23] == 'refridgerator'
    assert classes[-3:] == ('otherstructure', 'otherfurniture', 'otherprop')


def test_default_folders(make_rgbd_dataset):
    root = make_rgbd_dataset(count=2)
    (root / 'label').rename(root / 'masks')
    dataset = NYUDv2Dataset(data_root=str(root), pipeline=LOADING)
    assert len(dataset) == 2
    assert dataset[0]['data_samples'].modalities == ('rgb', 'depth')
    dataset = NYUDv2Dataset(
        modalities=['depth'], data_prefix=dict(depth='depth'), data_root=str(root), test_mode=True
    )
    assert dataset.metainfo['classes'][:2] == ('wall', 'floor') and 'rgb' not in dataset[0]


def test_real_frames(nyuv2_samples, rgbd_preprocessor_cfg):
    dataset = NYUDv2Dataset(data_root=str(nyuv2_samples), pipeline=LOADING)
    batch = pseudo_collate([dataset[i] for i in range(len(dataset))])
    rgbd_preprocessor_cfg['modalities'][1].update(scale=1 / 5000, mean=[0.0], std=[1.0])
    out = MODELS.build(rgbd_preprocessor_cfg)(batch, training=True)
    assert out['inputs'].shape == (len(dataset), 6, 480, 640)
    depth = out['inputs'][:, 3:]
    assert torch.equal(depth[:, 0], depth[:, 2])
    assert depth.min() == 0 and 1 < depth.max() < 12  # meters; 0 = no reading
    labels = torch.stack([sample.gt_sem_seg.data for sample in out['data_samples']])
    assert labels[labels != 255].max() < 40
