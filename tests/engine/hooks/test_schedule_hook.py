"""The learning rate is that of the config, in a resumed training too."""

import re

import pytest
import torch
from mmengine.config import Config

from mmamf.engine.hooks import schedule_hook

OPTIMIZER = dict(type='SGD', lr=0.1)


@pytest.fixture
def train(make_runner, monkeypatch):
    """Train and return the learning rate of every iteration and the warnings."""
    texts = []
    monkeypatch.setattr(schedule_hook, 'print_log', lambda text, **kwargs: texts.append(text))

    def run(work_dir, stop_at, schedule, hook=True, optimizer=OPTIMIZER, **options):
        options.setdefault('train_cfg', dict(by_epoch=False, max_iters=stop_at))
        hooks = [dict(type='ScheduleHook')] if hook else []
        runner = make_runner(
            work_dir,
            param_scheduler=schedule,
            custom_hooks=hooks,
            optim_wrapper=dict(optimizer=optimizer, **options.pop('wrapper', {})),
            checkpoint=dict(max_keep_ckpts=-1),
            **options,
        )
        rates = []
        texts.clear()

        def note(*args, **kwargs):
            rates.append([group['lr'] for group in runner.optim_wrapper.optimizer.param_groups])

        runner._hooks[0].before_train_iter = note
        runner.train()
        return rates, list(texts)

    return run


def poly(end, **options):
    return dict(type='PolyLR', eta_min=0.01, begin=0, end=end, by_epoch=False) | options


WARMUP = dict(type='LinearLR', start_factor=0.1, begin=0, end=3, by_epoch=False)
SCHEDULES = [
    lambda end: [poly(end)],
    lambda end: [WARMUP, poly(end, begin=3)],
    lambda end: [dict(type='CosineAnnealingLR', T_max=end, eta_min=0.01, by_epoch=False)],
    lambda end: [dict(type='MultiStepLR', milestones=[end // 2, end - 1], by_epoch=False)],
    lambda end: [dict(type='StagedLR', stage_lrs=[1, 2], milestones=[end // 2], by_epoch=False)],
]


@pytest.mark.parametrize('schedule', SCHEDULES)
def test_longer_schedule_is_followed(tmp_path, train, schedule):
    expected, _ = train(tmp_path / 'whole', 12, schedule(12))
    train(tmp_path / 'parts', 6, schedule(6))
    rates, warnings = train(tmp_path / 'parts', 12, schedule(12), resume=True)
    assert rates == expected[6:]
    assert len(warnings) == 1
    assert 'is not that of the checkpoint' in warnings[0]
    assert f'The learning rate is {expected[6][0]:.4g} instead of' in warnings[0]


def test_longer_schedule_of_epochs_and_iterations(tmp_path, train):
    def schedule(epochs):
        return [WARMUP, poly(epochs, by_epoch=True, begin=1)]

    def cfg(epochs):
        return dict(train_cfg=dict(by_epoch=True, max_epochs=epochs))

    expected, _ = train(tmp_path / 'whole', 0, schedule(5), **cfg(5))
    train(tmp_path / 'parts', 0, schedule(2), **cfg(2))
    rates, warnings = train(tmp_path / 'parts', 0, schedule(5), resume=True, **cfg(5))
    assert len(expected) == 15 and rates == expected[6:]
    assert len(warnings) == 1


@pytest.mark.parametrize('schedule', SCHEDULES)
def test_same_schedule_goes_on_without_a_word(tmp_path, train, schedule):
    expected, _ = train(tmp_path / 'whole', 8, schedule(8))
    options = dict(load_from=str(tmp_path / 'whole' / 'iter_3.pth'), resume=True)
    rates, warnings = train(tmp_path / 'parts', 8, schedule(8), **options)
    assert (rates, warnings) == (expected[3:], [])


def test_schedule_that_ends_before_training_is_named(tmp_path, train):
    train(tmp_path, 6, [poly(6)])
    rates, (warning,) = train(tmp_path, 9, [poly(6)], resume=True)
    assert rates[-1] == [0.01]
    assert 'PolyLR: the schedule ends at iteration 6, training at 9' in warning
    assert 'end=9' in warning


@pytest.mark.parametrize(
    ('schedule', 'optimizer', 'text'),
    [
        ([WARMUP], OPTIMIZER, None),
        ([poly(6)], dict(type='SGD', lr=0.001), r'eta_min=0.01 is above .* 0.001 of layer.weight'),
        ([poly(6)], dict(type='SGD', lr=0.0), 'Every learning rate of the optimizer is 0'),
        ([poly(6, by_epoch=True)], OPTIMIZER, 'PolyLR counts epochs, but training counts iter'),
    ],
)
def test_traps_are_named(tmp_path, train, schedule, optimizer, text):
    _, warnings = train(tmp_path, 6, schedule, optimizer=optimizer)
    assert len(warnings) == (text is not None)
    if text:
        assert re.search(text, warnings[0])


def test_other_rates_than_those_of_the_checkpoint_are_named(tmp_path, train):
    train(tmp_path, 3, [poly(6)])
    optimizer = dict(type='SGD', lr=0.2, weight_decay=0.5)
    rates, warnings = train(tmp_path, 6, [poly(6)], optimizer=optimizer, resume=True)
    assert rates[0][0] < 0.1
    assert 'lr: the config says 0.2, the checkpoint 0.1, which a resumed' in warnings[0]
    assert 'weight_decay: the config says 0.5, the checkpoint 0' in warnings[1]


def test_finished_training_says_so(tmp_path, train):
    train(tmp_path, 6, [WARMUP])
    rates, (warning,) = train(tmp_path, 6, [WARMUP], resume=True)
    assert not rates
    assert 'Nothing is left to train: the checkpoint is of iteration 6, the config' in warning


def test_best_checkpoint_is_refused(tmp_path, train):
    train(tmp_path, 3, [poly(6)])
    checkpoint = torch.load(tmp_path / 'iter_2.pth')
    del checkpoint['optimizer'], checkpoint['param_schedulers']
    best = tmp_path / 'best_mIoU_iter_2.pth'
    torch.save(checkpoint, best)
    with pytest.raises(ValueError, match='best_mIoU_iter_2.pth: .* without optimizer and') as error:
        train(tmp_path, 6, [poly(6)], load_from=str(best), resume=True)
    assert f'Resume from {tmp_path / "iter_2.pth"}' in str(error.value)
    assert f'load_from={best}' in str(error.value)
    (tmp_path / 'iter_2.pth').unlink()  # rotated away
    with pytest.raises(ValueError, match=f'Resume from {tmp_path / "iter_3.pth"}'):
        train(tmp_path, 6, [poly(6)], load_from=str(best), resume=True)
    train(tmp_path / 'new', 6, [poly(6)], load_from=str(best))


def test_weights_of_others_are_refused(tmp_path, train):
    torch.save(dict(state_dict={}), tmp_path / 'foreign.pth')
    with pytest.raises(ValueError, match='without meta and message_hub and optimizer'):
        train(tmp_path, 6, [], load_from=str(tmp_path / 'foreign.pth'), resume=True)


@pytest.mark.parametrize(
    'schedule',
    [
        *SCHEDULES,
        lambda end: [
            dict(type='OneCycleLR', eta_max=0.5, total_steps=end, by_epoch=False, pct_start=0.3)
        ],
        lambda end: [
            dict(
                type='CosineRestartLR',
                periods=[end],
                eta_min=0.05,
                by_epoch=False,
                begin=0,
                end=end,
            )
        ],
    ],
)
def test_lr_mult_of_zero_freezes(tmp_path, train, schedule):
    def frozen(lr_mult):
        return dict(paramwise_cfg=dict(custom_keys={'bias': dict(lr_mult=lr_mult)}))

    rates, warnings = train(tmp_path, 6, schedule(6), wrapper=frozen(0))
    free = train(tmp_path / 'free', 6, schedule(6), wrapper=frozen(1))
    assert [rate for _, rate in rates] == [0] * 6
    assert [rate for rate, _ in rates] == [rate for rate, _ in free[0]]
    assert not warnings


def of(kind, **options):
    """Options of a training, whose config is in its checkpoints."""
    optimizer = dict(type=kind, lr=0.1)
    config = Config(dict(optim_wrapper=dict(optimizer=optimizer, **options)))
    return dict(optimizer=optimizer, wrapper=options, cfg=config)


@pytest.mark.parametrize(
    ('first', 'then', 'message'),
    [
        (of('Adam'), of('AdamW'), r'AdamW with 1 .* got that of Adam with 1 parameter group'),
        (dict(), of('Adam'), r'Adam with 1 .* got that of another optimizer with 1 parameter'),
        (
            of('SGD'),
            of('SGD', paramwise_cfg=dict(custom_keys={'weight': dict(lr_mult=0.1)})),
            r'SGD with \d parameter group\(s\) of \d parameter.*, got that of SGD with 1 .* of 2',
        ),
    ],
)
def test_another_optimizer_is_refused(tmp_path, train, first, then, message):
    train(tmp_path, 2, None, **first)
    with pytest.raises(ValueError, match=f'Cannot resume from .*{message}.*set load_from'):
        train(tmp_path, 4, None, resume=True, **then)


@pytest.mark.parametrize(('key', 'count'), [('layer', 0), ('layerr', 1)])
def test_keys_without_a_parameter(tmp_path, train, key, count):
    keys = dict(custom_keys={key: dict(lr_mult=0.1)})
    _, warnings = train(tmp_path, 1, None, **of('SGD', paramwise_cfg=keys))
    found = [text for text in warnings if "no parameter has ['layerr'] in its name" in text]
    assert len(found) == count
