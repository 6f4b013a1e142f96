"""Whole plans from planted facts, and the configs that are written from them."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import HOOKS, METRICS, TRANSFORMS, init_default_scope
from mmseg.registry import MODELS
from planted_facts import (
    DEPTH,
    GPU,
    LABELS,
    MACHINE,
    RGB,
    THERMAL,
    TILE,
    Bench,
    make_data,
    make_fingerprint,
)

from mmamf.planning.machine import CGROUP, find_machine
from mmamf.planning.make_plan import make_plan
from mmamf.planning.measure_step import _make_batch, measure_steps
from mmamf.planning.rules import network
from mmamf.planning.write_config import write_config
from mmamf.structures import Modality

MASKS = replace(
    LABELS,
    coding='0/255',
    pixels=dict(train={0: 9950, 255: 50}, val={0: 9, 255: 1}),
    images=dict(train={0: 80, 255: 8}, val={0: 20, 255: 5}),
    ignore=(),
    mapping={0: 0, 255: 1},
    num_classes=2,
    sizes={(96, 128): 20},
    median_area={0: 9000.0, 1: 300.0},
)
MANY = replace(
    LABELS,
    pixels=dict(train={i: 100 + 900 * (i == 0) for i in range(40)}, val={0: 1}),
    images=dict(train=dict.fromkeys(range(40), 20), val={0: 1}),
    num_classes=40,
    median_area={},
)
COLORED = replace(
    MANY,
    coding='colors',
    pixels=dict(train={(i, 0, 255): 10 for i in range(40)}, val={}),
    mapping={(i, 0, 255): i for i in range(40)},
    ignore=(),
)
FOUR = dict(rgb=RGB, depth=DEPTH, thermal=THERMAL, tile=TILE)
CASES = dict(
    one=dict(summaries=dict(rgb=RGB)),
    two=dict(summaries=dict(rgb=RGB, depth=DEPTH)),
    three=dict(summaries=dict(rgb=RGB, depth=DEPTH, thermal=THERMAL)),
    four=dict(summaries=FOUR),
    tiny=dict(summaries=dict(rgb=RGB), samples=20, labels=MASKS),
    masks=dict(summaries=dict(rgb=RGB, depth=DEPTH), labels=MASKS, minutes=1),
    many=dict(summaries=dict(rgb=RGB), labels=MANY, minutes=1),
    colored=dict(summaries=dict(rgb=RGB), labels=COLORED),
    ignored=dict(summaries=dict(rgb=RGB), labels=replace(LABELS, ignore=('nan', 255))),
    reduced=dict(
        summaries=dict(rgb=RGB), labels=replace(LABELS, reduce_zero_label=True, num_classes=2)
    ),
    large=dict(
        summaries=dict(tile=TILE),
        labels=replace(LABELS, sizes={(4000, 3000): 9}, median_area={0: 1e6, 1: 64.0, 2: 900.0}),
    ),
    differing=dict(
        summaries=dict(rgb=RGB),
        labels=replace(LABELS, sizes={(48, 64): 50, (64, 48): 50}),
        bench=Bench(1),
        minutes=1,
    ),
    missing=dict(summaries=FOUR, lacking=dict(depth=30, tile=5)),
    holes=dict(
        summaries=dict(
            rgb=RGB,
            depth=replace(DEPTH, dtypes=dict(float32=100), missing=(math.nan,)),
            tile=replace(TILE, missing=(-9999.0, math.nan)),
        )
    ),
    weights=dict(summaries=dict(rgb=RGB, depth=DEPTH), weights=True, bench=Bench(0.1, 0.2, 99)),
    from_scratch=dict(summaries=dict(rgb=RGB), bench=Bench(0.1, 0.2, 99)),
    long=dict(summaries=dict(rgb=RGB), bench=Bench(0.001, 0.002, 0.01), minutes=600),
    gpu=dict(
        summaries=dict(rgb=RGB, depth=DEPTH),
        machine=GPU,
        weights=True,
        bench=Bench(0.01, 0.02, 0.08, gain=0.8),
    ),
)


@pytest.fixture(autouse=True)
def no_packaged_weights(monkeypatch):
    """The plans of these tests do not depend on what is installed."""
    monkeypatch.setattr(network, 'has_package', lambda name: False)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Planner and writer of a case: returns data, plan and path."""

    def plan_and_write(
        summaries,
        labels=LABELS,
        samples=100,
        lacking=None,
        minutes=30,
        machine=MACHINE,
        bench=None,
        weights=False,
        classes=(),
    ):
        monkeypatch.setattr('mmamf.planning.network_trials.is_reachable', lambda url: weights)
        monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
        data = make_data(summaries, samples, lacking, classes, root=tmp_path / 'my data')
        fingerprint = make_fingerprint(summaries, labels)
        plan = make_plan(data, fingerprint, machine, minutes, bench or Bench())
        return plan, write_config(data, plan, tmp_path / 'configs', 'mine')

    return plan_and_write


@pytest.mark.parametrize('case', CASES)
def test_the_config_trains_a_step(case, write):
    plan, path = write(**CASES[case])
    config = Config.fromfile(path)
    init_default_scope(config.default_scope)

    for pipeline in (config.train_pipeline, config.test_pipeline):
        for step in pipeline:
            TRANSFORMS.build(step)
    for hook in config.custom_hooks:
        HOOKS.build(hook)
    METRICS.build(config.val_evaluator)
    assert config.train_dataloader.sampler.type == 'InfiniteSampler'

    model = config.model
    backbone = model.backbone.get('backbone', model.backbone)
    assert bool(backbone.get('init_cfg')) == bool(plan['weights'])
    backbone.init_cfg = None  # the weights are not here
    model = revert_sync_batchnorm(MODELS.build(model)).train()
    assert model.decode_head.num_classes == len(config.classes)
    wrapper = dict(config.optim_wrapper, type='OptimWrapper')
    wrapper.pop('loss_scale', None)
    # a small image stands for that of the config
    model.data_preprocessor.size, model.data_preprocessor.size_divisor = None, 32
    losses = model.train_step(_make_batch(model, (64, 64), 2), build_optim_wrapper(model, wrapper))
    assert torch.isfinite(losses['loss'])


@pytest.mark.parametrize('case', CASES)
def test_the_config_is_readable(case, write, tmp_path):
    plan, path = write(**CASES[case])
    text = path.read_text()
    assert len(text.splitlines()) < 120 and max(map(len, text.splitlines())) <= 100
    words = ' '.join(text.replace('#', ' ').split())
    for name, choice in plan.choices.items():
        if name == 'exchange_dropout' and choice.value is None:
            continue
        if name not in ('test', 'strength'):
            assert ' '.join(choice.reason.split()) in words, name
    ruff = Path(sys.executable).with_name('ruff')
    if ruff.is_file():
        root = Path(__file__).parents[3]
        command = [ruff, 'format', '--check', '--config', root / 'pyproject.toml', path]
        assert subprocess.run(command, capture_output=True).returncode == 0
    # mmengine saves a config into every checkpoint, and reads it from there
    config = Config.fromfile(path)
    config.dump(tmp_path / 'saved.py')
    assert Config.fromfile(tmp_path / 'saved.py').to_dict() == config.to_dict()


def test_nan_is_named_as_missing(write, tmp_path):
    """Also in the config that mmengine saves beside the log of a training."""
    _, path = write(**CASES['holes'])
    Config.fromfile(path).dump(tmp_path / 'saved.py')
    for config in (path, tmp_path / 'saved.py'):
        _, depth, tile = map(Modality.of, Config.fromfile(config).modalities)
        assert [*map(math.isnan, (*depth.missing_values, *tile.missing_values))] == [1, 0, 1]


def test_the_tables_lie_beside_the_config(write, tmp_path):
    _, path = write(**CASES['two'])
    config = Config.fromfile(path)
    assert config.train_set.ann_file == f'{tmp_path}/configs/train.csv'
    assert config.val_set.ann_file == f'{tmp_path}/configs/val.csv'
    assert config.train_dataloader.dataset.data_root == str(tmp_path / 'my data')


def test_rare_masks(write):
    plan, path = write(**CASES['masks'])
    config = Config.fromfile(path)
    assert config.load_labels.colors == {0: 0, 255: 1}
    assert config.classes == ('background', 'foreground')
    head = config.model.decode_head.head
    assert head.loss_decode.class_weight == [1.0, 14.1]  # 1 / sqrt(0.005)
    assert head.loss_decode.type == 'CrossEntropyLoss'  # the rest of the base stays
    assert config.train_dataloader.dataset.type == 'ClassBalancedDataset'
    assert 'foreground, has 0.5 %' in plan.choices['loss'].reason


def test_large_images_are_cropped_and_tested_in_windows(write):
    plan, path = write(**CASES['large'])
    config = Config.fromfile(path)
    assert plan['size'].scale == 1
    crop = config.crop_size
    assert config.model.test_cfg.mode == 'slide'
    assert config.model.test_cfg.crop_size == config.model.data_preprocessor.size == crop
    assert dict(type='ClassBalancedCrop', crop_size=crop) in config.train_pipeline  # few iterations
    assert config.val_dataloader.batch_size == 1
    assert config.modalities[0].channels == 5


def test_images_of_different_sizes_batch(write):
    _, path = write(**CASES['differing'])
    config = Config.fromfile(path)
    assert config.val_dataloader.batch_size == 1
    model = config.model.data_preprocessor
    assert model.get('size') or model.size_divisor == 32


def test_missing_files(write):
    plan, path = write(**CASES['missing'])
    config = Config.fromfile(path)
    assert [m.get('optional', False) for m in config.modalities] == [False, True, False, True]
    assert config.model.train_cfg.exchange_dropout == 0.5
    assert '30 of 100 samples lack it' in path.read_text()


def test_an_empty_frame_is_a_missing_one(monkeypatch):
    monkeypatch.setattr('mmamf.planning.network_trials.is_reachable', lambda url: False)
    summaries = dict(rgb=RGB, depth=DEPTH)
    data, empty = make_data(), dict(depth=['0007'])
    plan = make_plan(data, make_fingerprint(summaries, empty=empty), MACHINE, 30, Bench())
    assert plan['modality_depth']['optional'] is True
    assert '1 of 100 samples' in plan.choices['modality_depth'].reason


def test_nothing_is_measured_twice_or_in_vain(write):
    bench = Bench()
    plan, _ = write(dict(rgb=RGB, depth=DEPTH), bench=bench)
    size = plan['size'].train
    assert plan['network'].name.startswith('half-width')
    # a probe, the smallest network, and the next; the largest cannot be fast enough
    assert [job[:2] for job in bench.jobs] == [
        ('small', (128, 128)),
        ('small', size),
        ('MixVisionTransformer', size),
    ]


@pytest.mark.parametrize('case', ['two', 'large', 'missing'])
def test_the_network_gets_the_iterations_of_the_schedule(case, write):
    plan, path = write(**CASES[case])
    assert plan['batch_size'] == 2  # which networks are compared with
    told = f'{plan["network"].name} gets {Config.fromfile(path).max_iters} iterations'
    assert told in plan.choices['network'].reason


def test_packaged_weights_are_taken(write, monkeypatch):
    monkeypatch.setattr(network, 'has_package', lambda name: True)
    plan, config = write(dict(rgb=RGB, depth=DEPTH))
    assert plan['network'].name.startswith('EfficientNet-Lite0')
    assert plan['learning_rate'] == pytest.approx(2e-3 * (plan['batch_size'] / 4) ** 0.5, rel=0.02)
    cfg = Config.fromfile(config)
    assert cfg.model.backbone.backbone.init_cfg.checkpoint == 'package://efficientnet-lite0'


def test_little_memory(write):
    plan, _ = write(dict(rgb=RGB), bench=Bench(0.1, gain=0.8, limit=4))
    assert plan['batch_size'] == 4
    with pytest.raises(ValueError, match='memory: expected enough for 2 images of 128 x 128 px'):
        write(dict(rgb=RGB), bench=Bench(limit=0))


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(minutes=0), 'minutes: expected more than 0, got 0'),
        (dict(labels=None), 'expected label maps to learn from, got none'),
        (dict(samples=3), "labeled samples on the side 'val', got 0 samples"),
        (dict(labels=replace(LABELS, coding='fractions')), 'fractions'),
    ],
)
def test_refuses_what_cannot_be_trained(changes, message, write):
    with pytest.raises(ValueError, match=message):
        write(**{**CASES['two'], **changes})


def test_finds_the_machine(monkeypatch, tmp_path):
    machine = find_machine()
    assert machine.cpus >= 1 and machine.memory_gib > 0
    assert bool(machine.gpu) == torch.cuda.is_available()
    assert str(CGROUP) == '/sys/fs/cgroup'
    monkeypatch.setattr('mmamf.planning.machine.CGROUP', tmp_path)
    monkeypatch.setattr('os.sched_getaffinity', lambda pid: {0, 1, 2, 3}, raising=False)
    assert find_machine().cpus == 4
    (tmp_path / 'cpu.max').write_text('250000 100000\n')
    (tmp_path / 'memory.max').write_text(f'{2**30}\n')
    (tmp_path / 'memory.current').write_text(f'{2**29}\n')
    machine = find_machine()
    assert machine.cpus == 2
    assert machine.memory_gib == pytest.approx(0.5, abs=1e-3)
    (tmp_path / 'cpu.max').write_text('max 100000\n')
    (tmp_path / 'memory.max').write_text('max\n')
    assert find_machine().cpus == 4


def test_measures_real_steps(write):
    _, path = write(**CASES['one'])
    config = Config.fromfile(path)
    config.model.data_preprocessor.size = (64, 64)
    arguments = (config.model.to_dict(), config.optim_wrapper.to_dict(), (64, 64))
    costs = measure_steps(*arguments, [2, 4], memory_gib=32)
    assert 2 in costs and set(costs) <= {2, 4}
    assert 0 < costs[2].seconds < 60 and 0.1 < costs[2].memory_gib < 8
    assert set(measure_steps(*arguments, [2, 4], memory_gib=32, longest=0)) == {2}
    assert measure_steps(*arguments, [2], memory_gib=32, patience=0.01) == {}
    broken = dict(config.model.to_dict(), type='NoSuchModel')
    with pytest.raises(RuntimeError, match='NoSuchModel'):
        measure_steps(broken, *arguments[1:], [2], memory_gib=32)
