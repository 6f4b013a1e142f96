"""The config of docs/own_sensors.md on generated tiles of four bands and thermal images."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner

from mmamf.apis import MultimodalInferencer

ROOT = Path(__file__).parents[1]
SIZE = (48, 64)


@pytest.fixture
def tiles(tmp_path):
    """Files in the layout of the page; each band depends on the class."""
    rng = np.random.default_rng(0)
    root = tmp_path / 'tiles'
    for folder in ('tile', 'thermal', 'labels'):
        (root / folder).mkdir(parents=True)
    spectra = rng.integers(200, 4000, (5, 4))
    for index in range(4):
        blocks = rng.integers(0, 5, (3, 4)).astype(np.uint8)
        label = cv2.resize(blocks, SIZE[::-1], interpolation=cv2.INTER_NEAREST)
        tile = spectra[label] + rng.integers(0, 50, (*SIZE, 4))
        name = f'{index:04}'
        kind = dict(photometric='minisblack', planarconfig='contig')
        tifffile.imwrite(root / 'tile' / f'{name}.tif', tile.astype(np.uint16), **kind)
        cv2.imwrite(str(root / 'thermal' / f'{name}.png'), 50 + 30 * label)
        cv2.imwrite(str(root / 'labels' / f'{name}.png'), label)
    (root / 'train.txt').write_text('0000\n0001\n0002\n')
    (root / 'val.txt').write_text('0003\n')
    return root


@pytest.fixture
def cfg(tiles, tmp_path):
    page = (ROOT / 'docs' / 'own_sensors.md').read_text()
    (code,) = re.findall('```python\n(.*?)```', page, re.DOTALL)
    path = tmp_path / 'tiles.py'
    path.write_text(code.replace("'_base_/", f"'{ROOT}/configs/_base_/"))
    cfg = Config.fromfile(path)
    assert cfg.train_dataloader.dataset.data_root == 'data/tiles'
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(tiles)
        loader.update(num_workers=0)
    cfg.train_dataloader.batch_size = 2
    init_default_scope(cfg.default_scope)
    return cfg


def test_trains_tests_and_predicts(cfg, tiles, tmp_path):
    cfg.work_dir = str(tmp_path / 'work')
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.default_hooks.checkpoint.interval = 2
    cfg.custom_hooks = [dict(type='PredictionSheetHook', out_dir=str(tmp_path / 'shown'))]
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert {'mIoU', 'tile/mIoU', 'thermal/mIoU'} <= runner.test().keys()
    assert (tmp_path / 'shown' / 'prediction_sheet.png').is_file()

    inferencer = MultimodalInferencer(tmp_path / 'work' / 'iter_2.pth', show_progress=False)
    files = dict(tile=tiles / 'tile', thermal=tiles / 'thermal')
    maps = inferencer(files, out_dir=tmp_path / 'out')
    arrays = dict(
        tile=tifffile.imread(tiles / 'tile' / '0000.tif'),
        thermal=cv2.imread(str(tiles / 'thermal' / '0000.png'), cv2.IMREAD_UNCHANGED),
    )
    (from_arrays,) = inferencer(arrays).values()
    for name, labels in maps['0000'].items():
        assert labels.shape == SIZE
        np.testing.assert_array_equal(labels, from_arrays[name])


@pytest.mark.parametrize('tiled', [False, True])
def test_bands_reach_the_network_unmixed(cfg, tiles, tiled):
    if tiled:
        cfg.model.backbone.update(bands=None, in_channels=4)
    model = MODELS.build(cfg.model)
    loader = Runner.build_dataloader(cfg.val_dataloader)
    batch = next(iter(loader))
    inputs = model.data_preprocessor(batch)['inputs']
    tile = tifffile.imread(tiles / 'tile' / '0003.tif').astype(np.float32)
    expected = (tile - cfg.tile['mean']) / cfg.tile['std']
    assert inputs.shape == (1, 8, *SIZE)
    own = inputs[0, :4].permute(1, 2, 0)
    np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-4)
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-3))
    losses = model.train_step(batch, optimizer)
    assert all(np.isfinite(value.item()) for value in losses.values())
    (sample,) = model.eval().test_step(batch)
    assert {'pred_sem_seg', 'pred_sem_seg_tile', 'pred_sem_seg_thermal'} <= set(sample.keys())


def test_bands_of_model_and_data_agree(cfg):
    cfg.model.backbone.bands = [1, 4]
    with pytest.raises(ValueError, match=r'backbone.bands: expected \[4, 1\], .* got \[1, 4\]'):
        MODELS.build(cfg.model)


def test_channels_of_the_widest(cfg):
    cfg.model.data_preprocessor.in_channels = 6
    with pytest.raises(
        ValueError, match=r'in_channels: expected 4, as the widest .*\[4, 1\], got 6'
    ):
        MODELS.build(cfg.model)
