"""Sweep files: every row of those of the project builds; mistakes are named."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS
from mmseg.registry import DATASETS

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
SWEEPS = sorted((CONFIGS / 'sweeps').glob('*.py'))
BASE = CONFIGS / 'amf' / 'amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'


@pytest.fixture
def sweeps(tool):
    return tool('mmamf.comparison.sweep')


@pytest.mark.parametrize('path', SWEEPS, ids=lambda path: path.stem)
def test_every_row_builds(sweeps, path, monkeypatch):
    sweep = sweeps.load_sweep(path)
    seen = {}
    for name, method in sweep.methods.items():
        cfg = method.loaded
        with torch.device('meta'):
            model = MODELS.build(cfg.model)
        for loader in (cfg.train_dataloader, cfg.val_dataloader):
            dataset = DATASETS.build({**loader.dataset, 'lazy_init': True})
            assert loader.dataset.modalities == cfg.model.data_preprocessor.modalities
            assert len(dataset.metainfo['classes']) == model.decode_head.num_classes
        twin = seen.setdefault((method.config.name, *method.words()), name)
        assert twin == name, 'two rows train the same'
    for method in sweep.methods.values():
        assert method.reference in sweep.methods and len(method.seeds) >= 3


@pytest.mark.parametrize('path', SWEEPS, ids=lambda path: path.stem)
def test_every_run_is_one_command(sweeps, path):
    sweep = sweeps.load_sweep(path)
    runs = list(sweep.runs())
    assert len({run.name for run in runs}) == len(runs)
    for run in runs:
        words = run.command()
        options = words[words.index('--cfg-options') + 1 :]
        assert sweeps.read_words(options) == {**run.method.options, 'randomness.seed': run.seed}
        assert all(' ' not in word for word in words)


def test_seeds_are_the_outer_loop(sweeps, write_sweep):
    methods = [dict(name='a', title='a'), dict(name='b', title='b', seeds=[5])]
    sweep = sweeps.load_sweep(write_sweep(BASE, methods, seeds=(4, 5), reference='a'))
    assert [run.name for run in sweep.runs()] == ['a-4', 'a-5', 'b-5']
    assert [run.name for run in sweep.runs(only=['b'])] == ['b-5']
    assert [run.name for run in sweep.runs(seeds=[5])] == ['a-5', 'b-5']
    for choice in (dict(only=['c']), dict(seeds=[6])):
        with pytest.raises(ValueError, match='expected a (method|seed) of .*, got'):
            list(sweep.runs(**choice))


@pytest.mark.parametrize('value', [None, True, 0, 0.1, 'all', [0], [0, 1], [[0, 1], [2]], 1e-12])
def test_options_survive_the_command_line(sweeps, value):
    word = f'model.key={sweeps.spell(value)}'
    (read,) = sweeps.read_words([word]).values()
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(metric=None), "expected the keys .*'metric'.* are missing"),
        (dict(groups=[dict(title='t')]), "'methods'.* are missing"),
        (dict(groups=[dict(title='t', methods=[], colour=1)]), "got .'colour'."),
        (dict(methods=[dict(name='a', title='a')]), "reference.*expected one of .'a'., got 'none'"),
        (dict(methods=[dict(name='a/b', title='a')]), 'of letters, digits'),
        (dict(methods=[dict(name='none', title='a')] * 2), 'expected a name that no other'),
        (dict(methods=[dict(name='none', title='a', option=1)]), "got .'option'."),
        (dict(methods=[dict(name='none', title='a', options={'k': '1'})]), "got k='1'"),
        (dict(methods=[dict(name='none', title='a', options={'k': dict(a=1)})]), 'can spell'),
        (dict(seeds=()), 'expected seeds'),
        (dict(seeds=(1, 1)), r'got \[1, 1\]'),
        (dict(questions=[dict(title='?', method='ours', against='b')]), "got 'b'"),
    ],
)
def test_mistakes_are_named(sweeps, write_sweep, changes, message):
    with pytest.raises(ValueError, match=message):
        sweeps.load_sweep(write_sweep(BASE, **changes))


def test_missing_config_is_named(sweeps, write_sweep):
    with pytest.raises(FileNotFoundError, match="'none': there is no config .*absent.py"):
        sweeps.load_sweep(write_sweep('absent.py'))
