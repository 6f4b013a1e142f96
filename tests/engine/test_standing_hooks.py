import pytest
from mmengine.config import Config
from mmengine.hooks import CheckpointHook, EMAHook

from mmamf.engine.standing_hooks import STANDING, add_standing_hooks


def types(cfg) -> list:
    return [hook['type'] if isinstance(hook, dict) else type(hook) for hook in cfg.custom_hooks]


def test_absent_hooks_are_added_once():
    cfg = Config(dict(custom_hooks=[dict(type='mmengine.EMAHook')]))
    add_standing_hooks(cfg)
    add_standing_hooks(cfg)
    assert types(cfg) == ['mmengine.EMAHook', *STANDING]


@pytest.mark.parametrize('place', ['default', 'custom'])
def test_listed_hooks_are_not_added_again(place):
    hook = dict(type='mmengine.FiniteTrainingHook')
    lists = (
        dict(default_hooks=dict(finite=hook)) if place == 'default' else dict(custom_hooks=[hook])
    )
    cfg = Config(lists)
    add_standing_hooks(cfg, ['FiniteTrainingHook'])
    assert types(cfg) == ([] if place == 'default' else ['mmengine.FiniteTrainingHook'])


def test_hooks_that_are_objects_stay():
    cfg = Config(dict(custom_hooks=[EMAHook()]))
    add_standing_hooks(cfg, ['EMAHook', 'ScheduleHook'])
    assert types(cfg) == [EMAHook, 'ScheduleHook']


@pytest.mark.parametrize(
    ('hook', 'expected'),
    [
        (dict(type='CheckpointHook', interval=7), 'AtomicCheckpointHook'),
        (dict(type='mmengine.CheckpointHook'), 'AtomicCheckpointHook'),
        (dict(type=CheckpointHook), 'AtomicCheckpointHook'),
        (dict(type='MyCheckpointHook'), 'MyCheckpointHook'),
    ],
)
def test_stock_checkpoint_hook_is_exchanged(hook, expected):
    cfg = Config(dict(default_hooks=dict(checkpoint=dict(hook))))
    add_standing_hooks(cfg)
    assert cfg.default_hooks.checkpoint == {**hook, 'type': expected}


def test_default_and_removed_checkpoints():
    cfg = Config(dict())
    add_standing_hooks(cfg)
    assert cfg.default_hooks.checkpoint == dict(type='AtomicCheckpointHook', interval=1)
    cfg = Config(dict(default_hooks=dict(checkpoint=None)))
    add_standing_hooks(cfg)
    assert cfg.default_hooks.checkpoint is None
    cfg = Config(dict(strategy=dict(type='DeepSpeedStrategy')))
    add_standing_hooks(cfg)
    assert cfg.default_hooks.checkpoint.type == 'CheckpointHook'
