"""A config shipped with mmseg, with our parts in it, under mmseg's own tools."""

import subprocess
import sys
from pathlib import Path

import mmseg
import pytest

TOOLS = Path(mmseg.__file__).parent / '.mim' / 'tools'

# What a user writes. The stock decode head stays what it is; the ensemble is wrapped around it.
CONFIG = """
_base_ = ['mmseg::_base_/models/{stock}.py', 'mmseg::_base_/default_runtime.py']
custom_imports = dict(imports=['mmamf'])
norm_cfg = dict(type='ModalitySpecificBN', num_modalities=2)

modalities = [
    dict(name='rgb', channels=3, mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True),
    dict(name='depth', channels=1, scale=0.001, mean=[2.0], std=[1.0])]
model = dict(
    data_preprocessor=dict(
        _delete_=True, type='MultimodalSegDataPreProcessor', modalities=modalities, size=(64, 64)),
    pretrained=None,
    backbone=dict(
        type='SharedMultimodalResNet',
        depth=18,
        num_modalities=2,
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
        base_channels=8,
        stem_channels=8,
        norm_cfg=norm_cfg),
    decode_head=dict(
        _delete_=True,
        type='ModalityEnsembleHead',
        num_modalities=2,
        head={{{{_base_.model.decode_head}}}}),
    auxiliary_head=dict(
        _delete_=True,
        type='ModalityEnsembleHead',
        num_modalities=2,
        head={{{{_base_.model.auxiliary_head}}}}))

load = dict(
    type='LoadMultimodalImages', modalities=dict(rgb=dict(channels=3, dtype='uint8'),
    depth=dict(channels=1, dtype='uint16', missing=0)))
train_pipeline = [
    load,
    dict(type='LoadLabelMap'),
    dict(type='RandomResize', scale=(80, 60), ratio_range=(0.8, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(64, 64), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackMultimodalSegInputs')]
test_pipeline = [load, dict(type='LoadLabelMap'), dict(type='PackMultimodalSegInputs')]
dataset = dict(
    type='MultimodalSegDataset',
    data_root='{data_root}',
    modalities=['rgb', 'depth'],
    data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
    metainfo=dict(classes=('a', 'b', 'c', 'd', 'e')))
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(pipeline=test_pipeline, **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(type='MultimodalIoUMetric')
test_evaluator = val_evaluator
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
"""
# The stock heads expect the channels of a ResNet-50.
IN_CHANNELS = {'fcn_r50-d8': 64, 'upernet_r50': [8, 16, 32, 64]}


@pytest.fixture
def run_mmseg_tool(tmp_path, monkeypatch, call_script):
    """Runner of a tool of mmseg; ``cold``: in a process in which nothing has imported mmamf."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *arguments: object, cold: bool) -> str:
        if not cold:
            code, said = call_script(TOOLS / name, *arguments)
            assert code == 0, said[-3000:]
            return said
        command = [sys.executable, TOOLS / name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize('stock', IN_CHANNELS)
def test_stock_config_under_stock_tools(stock, tmp_path, make_rgbd_dataset, run_mmseg_tool):
    data_root = make_rgbd_dataset(count=4, size=(60, 80))
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(stock=stock, data_root=data_root))
    options = [
        f'model.decode_head.head.in_channels={IN_CHANNELS[stock]}'.replace(' ', ''),
        'model.auxiliary_head.head.in_channels=32',
    ]
    for head in ('decode_head', 'auxiliary_head'):
        options += [f'model.{head}.head.channels=16', f'model.{head}.head.num_classes=5']
    work_dir = tmp_path / 'work'
    args = ['--work-dir', work_dir, '--cfg-options', *options]
    # with one of the heads, mmseg imports us, as the config asks for it
    cold = stock == 'fcn_r50-d8'
    trained = run_mmseg_tool('train.py', config, *args, cold=cold)
    assert 'decode.rgb.loss_ce' in trained
    assert 'aux.ensemble.loss_ce' in trained
    tested = run_mmseg_tool('test.py', config, work_dir / 'iter_2.pth', *args, cold=cold)
    assert 'mIoU' in tested
