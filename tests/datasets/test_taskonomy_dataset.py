"""Taskonomy in its published layout, from files to the model's input."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from mmamf.datasets.taskonomy_dataset import DOMAINS, TaskonomyDataset
from mmamf.datasets.transforms import (  # noqa: F401  (registers them)
    load_translation_images,
    mirror_normals,
    pack_translation_inputs,
)
from mmamf.engine.seeded_data import SeededDataset

ROOT = Path(__file__).parents[2]
BASE = ROOT / 'configs' / '_base_' / 'datasets' / 'taskonomy_256x256.py'


@pytest.fixture(autouse=True)
def mmagic_scope(mmseg_scope):
    """Bare names mean mmagic's, as with default_scope='mmagic'."""
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


@pytest.fixture
def build(write_taskonomy):
    """Builds the training or validation set of the base config on generated files."""

    def make(modalities, loader='train_dataloader', size=(64, 64)):
        config = Config.fromfile(BASE)
        cfg = config[loader].dataset
        cfg.update(
            data_root=str(write_taskonomy(size=size)),
            modalities=[config[name] for name in modalities],
            target=config.rgb,
        )
        return DATASETS.build(cfg)

    return make


@pytest.mark.parametrize('building', ['almena', ''])
@pytest.mark.parametrize('ann_file', ['train.txt', ''])
def test_published_folders(write_taskonomy, building, ann_file):
    root = write_taskonomy(building=building)
    dataset = TaskonomyDataset(['shade', 'depth'], data_root=str(root), ann_file=ann_file)
    assert len(dataset) == (2 if ann_file else 4)
    stem = Path(building) / 'point_0_view_1_domain_'
    assert dataset[1]['modality_paths'] == {
        name: str(root / DOMAINS[name] / f'{stem}{DOMAINS[name]}.png')
        for name in ('shade', 'depth', 'rgb')
    }
    assert dataset[1]['sample_name'] == str(Path(building) / 'point_0_view_1')


def test_lists_of_the_authors(write_taskonomy):
    root = write_taskonomy(building='')
    (root / 'train_domain.txt').write_text('{domain}/point_1_view_0_domain_{domain}.png\n')
    dataset = TaskonomyDataset(['normal'], data_root=str(root), ann_file='train_domain.txt')
    assert dataset[0]['img_path'].endswith('normal/point_1_view_0_domain_normal.png')


def test_a_domain_missing_in_one_view(write_taskonomy):
    root = write_taskonomy()
    (root / 'edge_texture/almena/point_0_view_1_domain_edge_texture.png').unlink()
    TaskonomyDataset(['shade'], data_root=str(root))
    with pytest.raises(
        FileNotFoundError,
        match=r'TaskonomyDataset: expected 3 files for each of 2 samples, 1 are missing:\n'
        '  .*edge_texture/almena/point_0_view_1_domain_edge_texture.png$',
    ):
        TaskonomyDataset(['shade', 'texture_edge'], data_root=str(root), ann_file='train.txt')


def test_a_list_that_names_another_building(write_taskonomy):
    root = write_taskonomy()
    (root / 'train.txt').write_text('almena/point_0_view_0\nwainscott/point_0_view_0\n')
    with pytest.raises(
        FileNotFoundError, match=r'2 are missing:\n  .*rgb/wainscott/point_0_view_0_domain_rgb.png'
    ):
        TaskonomyDataset(['rgb'], 'shade', data_root=str(root), ann_file='train.txt')


@pytest.mark.parametrize(
    ('modalities', 'target', 'message'),
    [
        (['shade', 'rgb'], 'rgb', "inputs other than the target 'rgb'"),
        (['depth', 'depth'], 'rgb', 'distinct names'),
        (
            ['reshading'],
            'rgb',
            r"names among \('rgb', 'shade', .*'curvature'\), got \['reshading'\]",
        ),
        (['shade'], 'edges', r"names among .*, got \['edges'\]"),
    ],
)
def test_bad_names(write_taskonomy, modalities, target, message):
    with pytest.raises(ValueError, match=message):
        TaskonomyDataset(modalities, target, data_root=str(write_taskonomy()))


def raw(path: str) -> np.ndarray:
    """Read a file by itself: (3, H, W), RGB, float64."""
    image = cv2.imread(path, cv2.IMREAD_UNCHANGED).astype(np.float64)
    if image.ndim == 2:
        return np.stack([image] * 3)
    return image[..., ::-1].transpose(2, 0, 1)


ENCODINGS = dict(
    rgb=lambda v: v,
    shade=lambda v: v,
    normal=lambda v: v,
    curvature=lambda v: v,
    depth=lambda v: np.log(1 + v) * 255 / 11.1,
    distance=lambda v: np.log(1 + v) * 255 / 11.1,
    texture_edge=lambda v: np.minimum(v * 255 / 11355, 255),
    occlusion_edge=lambda v: np.minimum(v * 255 / 11584, 255),
)


def test_every_domain_has_the_papers_encoding(build):
    """At 256 x 256, the test size, no pixel is interpolated."""
    sources = [name for name in DOMAINS if name != 'rgb']
    dataset = build(sources, 'val_dataloader', size=(256, 256))
    packed = dataset[0]
    sample = packed['data_samples']
    images = dict(zip(sources, packed['inputs'].split(3), strict=True), rgb=sample.gt_img)
    assert images.keys() == ENCODINGS.keys()
    for name, image in images.items():
        expected = ENCODINGS[name](raw(sample.modality_paths[name]))
        np.testing.assert_allclose(image.numpy(), expected, rtol=1e-6, atol=1e-4, err_msg=name)
        assert 0 <= image.min() and 100 < image.max() <= 255
    depth = images['depth'][0]
    assert depth[0, 0].item() == pytest.approx(254.78, abs=0.01)  # no reading: as if far away
    assert sample.ori_shape == (256, 256) and sample.target == 'rgb'


def test_training_pipeline_of_the_base_config(build):
    packed = build(modalities=['depth', 'normal', 'texture_edge'])[0]
    assert packed['inputs'].shape == (9, 256, 256)
    assert packed['data_samples'].gt_img.shape == (3, 256, 256)


def test_augmentation_is_a_function_of_the_seed(build):
    """As the project seeds: each sample by its own key, whatever was drawn before."""
    dataset = SeededDataset(build(modalities=['shade', 'normal']))
    keys = [(0, (7, 0, 0)), (0, (7, 0, 1)), (1, (7, 0, 2))]
    first = [dataset[key]['inputs'] for key in keys]
    again = [dataset[key]['inputs'] for key in reversed(keys)][::-1]
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])
