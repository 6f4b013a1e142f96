"""A tiny training of mmengine's Runner, without a segmentor."""

import os

import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Dataset

OPTIM_WRAPPER = dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9))


class Numbers(Dataset):
    metainfo = dict(classes=('a',))

    def __getitem__(self, index):
        return torch.full((1,), float(index)) + torch.rand(1)

    def __len__(self):
        return 6


class Line(BaseModel):
    """Fits a line, with noise from the generator."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, inputs, mode='tensor'):
        y = self.layer(inputs + torch.rand_like(inputs))
        return dict(loss=(y - 1).square().mean()) if mode == 'loss' else [float(y.mean())]

    def train_step(self, data, optim_wrapper):
        losses = self.forward(data, mode='loss')
        optim_wrapper.update_params(losses['loss'])
        return losses

    def val_step(self, data):
        return self.forward(data)


@pytest.fixture
def make_runner():
    """Maker of the training: ``make_runner(work_dir, stop_at=6, hooks=(...), **options)``."""
    return build_runner


def build_runner(work_dir, stop_at=6, hooks=('exact', 'atomic'), **options):
    torch.manual_seed(0)
    train_cfg = dict(by_epoch=False, max_iters=stop_at, val_interval=2)
    train_cfg = options.pop('train_cfg', train_cfg)
    loader = dict(
        batch_size=2,
        num_workers=0,
        dataset=Numbers(),
        sampler=dict(
            type='DefaultSampler' if train_cfg['by_epoch'] else 'InfiniteSampler', shuffle=True
        ),
        collate_fn=dict(type='default_collate'),
    )
    checkpoint = dict(by_epoch=False, interval=1, max_keep_ckpts=2)
    checkpoint['type'] = 'AtomicCheckpointHook' if 'atomic' in hooks else 'CheckpointHook'
    checkpoint.update(options.pop('checkpoint', {}))
    val = (
        dict(
            val_dataloader=DataLoader(Numbers(), sampler=DefaultSampler(Numbers(), False)),
            val_cfg=dict(),
            val_evaluator=options.pop('evaluator'),
        )
        if 'evaluator' in options
        else {}
    )
    return Runner(
        model=options.pop('model', None) or Line(),
        work_dir=str(work_dir),
        train_dataloader=loader,
        train_cfg=train_cfg,
        optim_wrapper=options.pop('optim_wrapper', OPTIM_WRAPPER),
        default_hooks=dict(checkpoint=checkpoint),
        custom_hooks=([dict(type='ExactResumeHook')] if 'exact' in hooks else [])
        + options.pop('custom_hooks', []),
        experiment_name=f'{os.path.basename(work_dir)}_{torch.rand(()).item()}_{id(loader)}',
        log_level='WARNING',
        **val,
        **options,
    )
