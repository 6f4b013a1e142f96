"""The configs whose second modality says nothing that the first does not say."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS

AMF = Path(__file__).parents[1] / 'configs' / 'amf'
STEM = 'amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120'


@pytest.fixture
def control(make_rgbd_dataset, tmp_path):
    """Builder of a control's model, and of its data sets of training and validation."""
    for split in ('train', 'val'):
        make_rgbd_dataset(count=4, size=(120, 160), root=tmp_path / 'rooms' / split)

    def build(name):
        cfg = Config.fromfile(AMF / f'{STEM}_{name}.py')
        loaders = (cfg.train_dataloader, cfg.val_dataloader)
        for split, loader in zip(('train', 'val'), loaders):
            assert loader.dataset.data_root == f'data/rooms-large/{split}'
            loader.dataset.data_root = str(tmp_path / 'rooms' / split)
        # not what chance turns
        cfg.train_dataloader.dataset.pipeline = [
            step for step in loaders[0].dataset.pipeline if step['type'] != 'RandomFlip'
        ]
        assert cfg.test_dataloader.dataset.pipeline == cfg.val_dataloader.dataset.pipeline
        assert cfg.tta_pipeline[:-1] == cfg.val_dataloader.dataset.pipeline[:-2]
        return MODELS.build(cfg.model), *(DATASETS.build(loader.dataset) for loader in loaders)

    return build


def normalized(model, sample):
    """What each modality of the model sees."""
    data = dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']])
    return model.data_preprocessor(data, False)['inputs'][0].split(3)


def test_copy_is_the_same_to_the_model(control):
    model, *datasets = control('rgb-copy')
    for dataset in datasets:
        rgb, copy = normalized(model, dataset[1])
        assert torch.equal(rgb, copy)


def test_noise_is_of_unit_variance_and_its_own_in_each_sample(control):
    model, train, val = control('rgb-noise')
    seen = []
    for dataset in (train, val):
        for index in range(4):
            _, noise = normalized(model, dataset[index])
            assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
            seen.append(noise)
            again = normalized(model, dataset[index])[1]
            assert torch.equal(noise, again)
    # samples of training and of validation have the same names
    for i, noise in enumerate(seen):
        for other in seen[:i]:
            assert abs((noise * other).mean()) < 0.02


def test_permuted_depth_is_of_another_sample(control):
    _, *datasets = control('rgb-permuted-depth')
    for dataset, split in zip(datasets, ('train', 'val'), strict=True):
        for index in range(4):
            paths = dataset[index]['data_samples'].modality_paths
            rgb, depth = Path(paths['rgb']), Path(paths['depth'])
            assert rgb.name != depth.name
            assert rgb.parents[1] == depth.parents[1] and rgb.parents[1].name == split
