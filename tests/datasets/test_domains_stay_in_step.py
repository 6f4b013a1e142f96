"""The geometry of the translation configs, with images whose pixels tell where they came from."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from mmamf.datasets import (  # noqa: F401  (registers them)
    multimodal_translation_dataset,
    taskonomy_dataset,
)
from mmamf.datasets.transforms import (  # noqa: F401  (registers them)
    load_translation_images,
    mirror_normals,
    pack_translation_inputs,
)

BASE = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets'
DOMAINS = ('rgb', 'depth', 'normal', 'shade', 'texture_edge', 'occlusion_edge')


@pytest.fixture(autouse=True)
def mmagic_scope(mmseg_scope):
    """Bare names mean mmagic's, as with default_scope='mmagic'."""
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


@pytest.fixture
def rooms(tmp_path):
    """Rooms whose every image is the same smooth function of row and column."""
    y, x = np.mgrid[:120, :160]
    for split in ('train', 'val'):
        for name in DOMAINS:
            (tmp_path / split / name).mkdir(parents=True)
            for i in range(2):
                value = x + y // 2 + 10 * i
                if name == 'depth':
                    image = (value * 20 + 1).astype(np.uint16)
                else:
                    image = value.astype(np.uint8)
                if name in ('rgb', 'normal'):
                    image = np.dstack([image] * 3)
                cv2.imwrite(str(tmp_path / split / name / f'{i:06}.png'), image)
    return tmp_path


def build(root, loader='train_dataloader', **options):
    config = Config.fromfile(BASE / 'rooms_translation_128x96.py')
    cfg = config[loader].dataset
    cfg.update(data_root=f'{root}/{Path(cfg.data_root).name}', **options)
    names = cfg.get('modalities', ['shade', 'texture_edge'])
    cfg.update(modalities=[config[name] for name in names], target=config[cfg.get('target', 'rgb')])
    return DATASETS.build(cfg)


def places(inputs: torch.Tensor, names: list[str]) -> dict[str, torch.Tensor]:
    """The function of row and column in every channel, in units of the 8-bit images."""
    images = dict(zip(names, inputs.split(3), strict=True))
    if 'depth' in images:
        images['depth'] = (images['depth'] * 6000 / 255 - 1) / 20
    return images


def test_all_domains_move_together(rooms):
    sources = list(DOMAINS[1:])
    dataset = build(rooms, modalities=sources, target='rgb')
    np.random.seed(0)
    flips, corners = set(), set()
    for i in range(24):
        packed = dataset[i % 2]
        target = packed['data_samples'].gt_img
        assert target.shape == (3, 96, 128)
        flipped = bool(target[0, 0, 0] > target[0, 0, -1])
        for name, image in places(packed['inputs'], sources).items():
            if name == 'normal' and flipped:  # the x component is negated
                image = torch.cat([255 - image[:1], image[1:]])
            torch.testing.assert_close(image, target, rtol=0, atol=0.01, msg=name)
        flips.add(flipped)
        corners.add(round(target[0, 0, 0].item(), 2))
    assert flips == {False, True} and len(corners) > 12


@pytest.mark.parametrize('loader', ['val_dataloader', 'test_dataloader'])
def test_evaluation_sees_the_whole_image(rooms, loader):
    dataset = build(rooms, loader, modalities=['rgb', 'depth'], target='normal')
    first, again = dataset[1], dataset[1]
    assert torch.equal(first['inputs'], again['inputs'])
    assert first['inputs'].shape == (6, 96, 128)
    images = places(first['inputs'], ['rgb', 'depth'])
    torch.testing.assert_close(images['rgb'], images['depth'], rtol=0, atol=0.01)
    expected = cv2.resize(
        cv2.imread(first['data_samples'].img_path), (128, 96), interpolation=cv2.INTER_AREA
    )
    expected = torch.tensor(expected[..., 2]).float()  # rounded to 8 bits
    torch.testing.assert_close(images['rgb'][0], expected, rtol=0, atol=0.51)


CHILD = """
_base_ = {base!r}
domains = dict(modalities=[_base_.depth, _base_.normal], target=_base_.shade)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=domains)
"""


@pytest.mark.parametrize('base', ['rooms_translation_128x96.py', 'taskonomy_256x256.py'])
def test_a_child_chooses_the_domains_in_two_lines(base, tmp_path):
    path = tmp_path / 'child.py'
    path.write_text(CHILD.format(base=str(BASE / base)))
    cfg = Config.fromfile(path)
    cfg.dump(tmp_path / 'dumped.py')
    for config in (cfg, Config.fromfile(tmp_path / 'dumped.py')):
        for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
            dataset = DATASETS.build({**loader.dataset, 'lazy_init': True})
            assert dataset.domains == ('depth', 'normal', 'shade')
            assert all(one.channels and one.dtype for one in dataset.descriptions.values())
