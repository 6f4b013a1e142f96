"""From the official archives, in miniature, to a benchmark: convert, train, test, look."""

import re
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import Runner
from mmseg.models.backbones import ResNet

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = sorted(
    path
    for path in (ROOT / 'configs' / 'amf').glob('*.py')
    if 'refinenet' in path.stem and 'rooms' not in path.stem
)
CROP = (64, 64)
FULL_SIZE = 'amf_r50_refinenet_1xb6-sgd-3x100e_nyudv2-500x500'  # runs as it is


def data_set_of(path: Path) -> str:
    """Return the converter's name, which a config's name holds."""
    return re.search('nyudv2|sunrgbd|cityscapes|mfnet', path.stem)[0]


def make_small(model: Config) -> None:
    """Divide the channels by eight, and keep at most the blocks of a ResNet-50.

    The networks of all configs are built in full in test_configs.py.
    """
    backbone, head = model.backbone, model.decode_head.head
    backbone.depth = min(backbone.depth, 50)
    for key in ('stem_channels', 'base_channels'):
        backbone[key] = backbone.get(key, 64) // 8
    head.in_channels = [channels // 8 for channels in head.in_channels]
    head.widths = [channels // 8 for channels in head.get('widths', (512, 256, 256, 256))]


@pytest.fixture
def benchmark_config(request, load_converter, tmp_path):
    """A benchmark's config on its miniature: two iterations on small crops."""

    def make(path: Path) -> Config:
        name = data_set_of(path)
        write = request.getfixturevalue(f'write_{name}')
        raw, out = write(tmp_path / 'raw', count=8), tmp_path / name
        assert load_converter(name).main([str(raw), str(out), '--partial']) == 0

        cfg = Config.fromfile(path)
        cfg.work_dir = str(tmp_path / 'work')
        cfg.model.backbone.init_cfg = None  # no network
        if path.stem != FULL_SIZE:
            make_small(cfg.model)
        cfg.model.data_preprocessor.size = CROP
        for step in cfg.train_pipeline:
            if step.type == 'RandomCrop':
                step.crop_size = CROP
        cfg.train_dataloader.batch_size = 2
        cfg.train_dataloader.dataset.pipeline = cfg.train_pipeline
        for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
            loader.dataset.data_root = str(out)
            loader.update(num_workers=0, persistent_workers=False)
        if 'max_epochs' in cfg.train_cfg:
            cfg.train_cfg.update(max_epochs=1, val_interval=1)
        else:
            cfg.train_cfg.update(max_iters=2, val_interval=2)
        cfg.default_hooks.checkpoint.update(interval=1000, save_last=False, save_best=None)
        cfg.custom_hooks = [dict(type='PredictionSheetHook', out_dir=str(tmp_path / 'shown'))]
        return cfg

    return make


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_benchmark_runs_on_its_miniature(path, benchmark_config, tmp_path):
    cfg = benchmark_config(path)
    if cfg.model.test_cfg.mode == 'slide':
        cfg.model.test_cfg.update(crop_size=CROP, stride=(32, 32))
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 2
    metrics = runner.test()
    first, second = (spec.name for spec in cfg.train_dataloader.dataset.modalities)
    assert {'mIoU', f'{first}/mAcc', f'{second}/PixAcc'} <= metrics.keys()
    sheet = cv2.imread(str(tmp_path / 'shown' / 'prediction_sheet.png'))
    assert sheet is not None and sheet.std() > 10


def test_plain_weights_reach_every_private_norm(tmp_path):
    """ImageNet weights of a local file, by one option."""
    plain = ResNet(50, norm_cfg=dict(type='BN'))
    for parameter in plain.parameters():
        torch.nn.init.uniform_(parameter)
    classifier = {'fc.weight': torch.zeros(1000, 2048), 'fc.bias': torch.zeros(1000)}
    checkpoint = str(tmp_path / 'resnet50.pth')
    torch.save(plain.state_dict() | classifier, checkpoint)  # as torchvision's

    cfg = Config.fromfile(
        next(path for path in CONFIGS if 'r50_refinenet_1xb6-sgd-3x100e_nyu' in path.stem)
    )
    cfg.merge_from_dict({'model.backbone.init_cfg.checkpoint': checkpoint})
    model = MODELS.build(cfg.model)
    model.init_weights()
    backbone = model.backbone.state_dict()
    for name, expected in plain.state_dict().items():
        got = backbone[name]
        if got.shape != expected.shape:  # (M * C,) of a private norm
            assert got.shape[0] == 2 * expected.shape[0], name
            expected = expected.repeat(2)
        assert torch.equal(got, expected), name
