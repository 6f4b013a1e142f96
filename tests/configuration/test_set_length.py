from pathlib import Path

import pytest
from mmengine.config import Config

from mmamf.configuration import set_length

CONFIGS = Path(__file__).parents[2] / 'configs'


def test_everything_scales_with_the_length():
    config = Config.fromfile(CONFIGS / 'amf/amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py')
    config.default_hooks.checkpoint.interval = 300
    set_length(config, 2400)
    assert config.train_cfg.max_iters == 2400 and config.train_cfg.val_interval == 600
    assert config.default_hooks.checkpoint.interval == 600
    warmup, decay = config.param_scheduler
    assert (warmup.begin, warmup.end, decay.begin, decay.end) == (0, 50, 50, 2400)


def test_epochs_and_milestones():
    config = Config.fromfile(CONFIGS / '_base_/schedules/sgd_3x100e.py')
    set_length(config, 30)
    assert config.train_cfg.max_epochs == 30 and config.train_cfg.val_interval == 1
    assert config.param_scheduler.milestones == [10, 20]


@pytest.mark.parametrize('interval', [1, 7, 50, 90, 100])
@pytest.mark.parametrize('length', [1, 3, 20, 99, 250])
def test_no_more_validations_and_checkpoints_than_before(interval, length):
    train = dict(max_iters=100, val_interval=interval)
    checkpoint = dict(type='CheckpointHook', interval=interval)
    config = Config(dict(train_cfg=train, default_hooks=dict(checkpoint=checkpoint)))
    set_length(config, length)
    for new in (config.train_cfg.val_interval, config.default_hooks.checkpoint.interval):
        # mmengine adds one at the end
        assert 1 <= -(-length // new) <= -(-100 // interval)


def test_schedulers_of_several_networks():
    step = dict(type='MultiStepLR', milestones=[50, 80], by_epoch=False)
    cosine = dict(type='CosineAnnealingLR', T_max=100, begin=0, end=100, by_epoch=False)
    config = Config(
        dict(
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=100),
            param_scheduler=dict(generator=[step], discriminator=cosine),
        )
    )
    set_length(config, 1000)
    assert config.param_scheduler.generator[0].milestones == [500, 800]
    assert config.param_scheduler.discriminator.T_max == 1000


def test_a_short_training_keeps_two_steps_of_warm_up():
    config = Config.fromfile(CONFIGS / '_base_/schedules/adamw_1200.py')
    set_length(config, 6)
    warmup, decay = config.param_scheduler
    assert (warmup.begin, warmup.end) == (0, 2) and (decay.begin, decay.end) == (0, 6)
    assert config.train_cfg.val_interval == 2


@pytest.mark.parametrize('length', [0, -1])
def test_impossible_length(length):
    config = Config(dict(train_cfg=dict(max_iters=100)))
    with pytest.raises(ValueError, match=r'--length: expected at least 1, .*got (0|-1)'):
        set_length(config, length)


def test_a_config_without_a_length():
    with pytest.raises(ValueError, match=r'train_cfg\.max_epochs, got 5 and train_cfg = {}'):
        set_length(Config(dict(model=dict())), 5)
