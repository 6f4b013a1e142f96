from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DATASETS, METRICS
from mmengine.structures import PixelData

from mmamf.datasets.mfnet_dataset import MFNetDataset

CONFIGS = Path(__file__).parents[2] / 'configs' / 'amf'
CONFIG = CONFIGS / 'amf_r50_refinenet_1xb6-sgd-3x100e_mfnet-480x640.py'

pytestmark = pytest.mark.usefixtures('mmseg_scope')

LOADING = [
    dict(
        type='LoadMultimodalImages',
        modalities=dict(
            rgb=dict(channels=3, dtype='uint8'), thermal=dict(channels=1, dtype='uint8')
        ),
    ),
    dict(type='LoadLabelMap'),
    dict(type='PackMultimodalSegInputs'),
]


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for name in ('00001D', '00002N'):
        images = dict(rgb=rng.integers(0, 256, (12, 16, 3)), thermal=rng.integers(0, 256, (12, 16)))
        images['masks'] = np.arange(12 * 16).reshape(12, 16) % 9
        for folder, image in images.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / folder / f'{name}.png'), image.astype(np.uint8))
    (tmp_path / 'test.txt').write_text('00002N\n')
    return tmp_path


def test_nine_classes_with_distinct_colors():
    meta = MFNetDataset.METAINFO
    assert len(set(meta['classes'])) == len({tuple(color) for color in meta['palette']}) == 9
    assert meta['classes'][:3] == ('unlabeled', 'car', 'person')


def test_default_folders(root):
    dataset = MFNetDataset(data_root=str(root), pipeline=LOADING)
    assert len(dataset) == 2
    sample = dataset[0]
    assert sample['data_samples'].modalities == ('rgb', 'thermal')
    rgb = cv2.imread(str(root / 'rgb' / '00001D.png'))
    thermal = cv2.imread(str(root / 'thermal' / '00001D.png'), -1)
    expected = np.concatenate([rgb, thermal[:, :, None]], axis=2).transpose(2, 0, 1)
    np.testing.assert_array_equal(sample['inputs'].numpy(), expected, strict=True)
    # class 0 is one of the nine, none is ignored
    assert set(sample['data_samples'].gt_sem_seg.data.unique().tolist()) == set(range(9))


def test_a_list_and_one_modality(root):
    dataset = MFNetDataset(
        modalities=['thermal'], data_root=str(root), ann_file='test.txt', pipeline=LOADING
    )
    assert len(dataset) == 1
    assert dataset[0]['inputs'].shape == (1, 12, 16)


def test_labels_outside_the_classes(root):
    cv2.imwrite(str(root / 'masks' / '00001D.png'), np.full((12, 16), 9, np.uint8))
    dataset = MFNetDataset(data_root=str(root), pipeline=LOADING)
    with pytest.raises(ValueError, match=r'expected 0..8 or 255, got \[9\]'):
        dataset[0]


def test_benchmark_counts_the_unlabeled_class_in_its_mean(root):
    cfg = Config.fromfile(CONFIG)
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, data_root=str(root), ann_file=''))
    evaluator = Evaluator(METRICS.build(cfg.test_evaluator))
    evaluator.dataset_meta = dataset.metainfo
    rng = np.random.default_rng(0)
    overlap, union = np.zeros(9), np.zeros(9)
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        label = sample.gt_sem_seg.data
        guess = np.where(rng.random(label.shape) < 0.7, label, rng.integers(0, 9, label.shape))
        guess[guess == 6] = 0  # a class that is never found counts as 0
        sample.pred_sem_seg = PixelData(data=torch.tensor(guess))
        evaluator.process([sample])
        for k in range(9):
            overlap[k] += ((guess == k) & (label.numpy() == k)).sum()
            union[k] += ((guess == k) | (label.numpy() == k)).sum()
    found = evaluator.evaluate(len(dataset))
    assert found['IoU.unlabeled'] == pytest.approx(100 * overlap[0] / union[0])
    assert found['IoU.guardrail'] == 0
    assert found['mIoU'] == pytest.approx(100 * np.mean(overlap / union))
    assert found['mIoU'] != pytest.approx(100 * np.mean(overlap[1:] / union[1:]), abs=0.1)
