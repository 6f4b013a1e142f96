"""A tiny training whose config is a file, and a way to run the tools on it, each in a process."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def tools_on_the_path(monkeypatch):
    """Let scripts that are loaded here find what they share, as they do when they are called."""
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))


@pytest.fixture
def tiny_config(tmp_path, rgbd_dataset_cfg, rgbd_preprocessor_cfg):
    """Writer of the config of a tiny RGB-D training: 8 samples of 48 x 64 px, ResNet-18, dropout.

    ``tiny_config(loop='iter' | 'epoch', num_workers=0, **options)`` returns the file's path;
    ``options`` are merged into the config.
    """

    def make(loop: str = 'iter', num_workers: int = 0, **options) -> str:
        geometry = [
            dict(type='RandomResize', scale=(64, 48), ratio_range=(0.8, 1.5), keep_ratio=True),
            dict(type='RandomCrop', crop_size=(32, 32)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
        ]
        root = tmp_path / 'rgbd'
        norm = dict(type='ModalitySpecificBN', num_modalities=2)
        by_epoch = loop == 'epoch'
        val_dataset = rgbd_dataset_cfg(root=root, count=8)
        # test-time augmentation mirrors every map, after loading
        load, pack = val_dataset['pipeline'][:2], val_dataset['pipeline'][-1:]
        cfg = Config.fromfile(ROOT / 'configs' / '_base_' / 'default_runtime.py')
        cfg.merge_from_dict(
            dict(
                model=dict(
                    type='MultimodalSegmentor',
                    data_preprocessor=rgbd_preprocessor_cfg,
                    backbone=dict(
                        type='SharedMultimodalResNet',
                        depth=18,
                        num_modalities=2,
                        base_channels=8,
                        stem_channels=8,
                        norm_cfg=norm,
                        fusion=dict(type='ChannelShufflePixelShiftFusion'),
                    ),
                    decode_head=dict(
                        type='ModalityEnsembleHead',
                        num_modalities=2,
                        head=dict(
                            type='FCNHead',
                            in_channels=64,
                            in_index=3,
                            channels=8,
                            num_convs=1,
                            concat_input=False,
                            dropout_ratio=0.5,
                            num_classes=5,
                            norm_cfg=norm,
                            align_corners=False,
                            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
                        ),
                    ),
                    train_cfg=dict(),
                    test_cfg=dict(mode='whole'),
                ),
                train_dataloader=dict(
                    batch_size=2,
                    num_workers=num_workers,
                    persistent_workers=num_workers > 0,
                    sampler=dict(
                        type='DefaultSampler' if by_epoch else 'InfiniteSampler', shuffle=True
                    ),
                    dataset=rgbd_dataset_cfg(root=root, pipeline=geometry),
                ),
                val_dataloader=dict(
                    batch_size=1,
                    num_workers=0,
                    sampler=dict(type='DefaultSampler', shuffle=False),
                    dataset=val_dataset,
                ),
                val_evaluator=dict(type='MultimodalIoUMetric'),
                test_evaluator=dict(type='MultimodalIoUMetric'),
                tta_pipeline=[
                    *load[:1],
                    dict(
                        type='TestTimeAug',
                        transforms=[
                            [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)],
                            load[1:],
                            pack,
                        ],
                    ),
                ],
                optim_wrapper=dict(
                    type='OptimWrapper',
                    optimizer=dict(type='AdamW', lr=0.01),
                    clip_grad=dict(max_norm=1.0),
                    accumulative_counts=2,
                ),
                param_scheduler=[
                    dict(
                        type='PolyLR',
                        eta_min=1e-4,
                        begin=0,
                        end=4 if by_epoch else 16,
                        by_epoch=by_epoch,
                    )
                ],
                train_cfg=dict(by_epoch=True, max_epochs=4, val_interval=2)
                if by_epoch
                else dict(type='IterBasedTrainLoop', max_iters=16, val_interval=6),
                val_cfg=dict(type='ValLoop'),
                test_cfg=dict(type='TestLoop'),
                custom_hooks=[dict(type='EMAHook')],
            )
        )
        cfg.test_dataloader = cfg.val_dataloader
        cfg.default_hooks.logger.interval = 4
        cfg.default_hooks.checkpoint.update(interval=1 if by_epoch else 3, by_epoch=by_epoch)
        cfg.merge_from_dict(options)
        path = tmp_path / 'tiny.py'
        # not cfg.dump, which sorts every dict, and with it the modalities
        path.write_text('\n'.join(f'{k} = {v!r}' for k, v in cfg.to_dict().items()))
        return str(path)

    return make


@pytest.fixture
def trained(tiny_config, tmp_path):
    """Writer of a config and of a checkpoint that looks trained, of a model in evaluation.

    ``trained(**options of tiny_config)`` returns both paths; no two modalities share values of
    norms, and the logits of a head whose classifier is ``conv_seg`` are not near zero.
    """

    def write(**options) -> tuple[str, str]:
        config = tiny_config(**options)
        torch.manual_seed(0)
        model = MODELS.build(Config.fromfile(config).model)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean, -0.2, 0.2)
                nn.init.uniform_(module.weight, 0.5, 1.5)
        nn.init.normal_(model.decode_head.head.conv_seg.weight)
        path = tmp_path / 'tiny.pth'
        torch.save(dict(state_dict=model.state_dict()), path)
        return config, str(path)

    return write


@pytest.fixture
def run_tool(call_script):
    """Runner of a tool: ``run_tool('train.py', *arguments)`` returns its exit code."""

    def run(tool: str, *arguments: str) -> int:
        code, output = call_script(ROOT / 'tools' / tool, *arguments)
        print(output)
        return code

    return run
