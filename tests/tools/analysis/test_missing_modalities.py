"""tools/analysis/missing_modalities.py on a tiny network without training."""

import json
from argparse import Namespace

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS


@pytest.fixture
def call(tool, tiny_config, tmp_path):
    """Runner of the tool; returns what results.json holds."""
    config = tiny_config(custom_hooks=[])
    checkpoint = tmp_path / 'untrained.pth'
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    model.decode_head.head.conv_seg.weight.data.normal_()
    torch.save(dict(state_dict=model.state_dict()), checkpoint)

    def run(*arguments, checkpoint=checkpoint):
        out = tmp_path / 'out'
        tool('missing_modalities').main([config, str(checkpoint), f'--out={out}', *arguments])
        return json.loads((out / 'results.json').read_text())

    return run


@pytest.mark.parametrize('name', ['missing_modalities', 'robustness'])
def test_collapsed_network_is_said(tool, tiny_config, tmp_path, name, capsys):
    """Every subset has the same mIoU: the change is +0.0, as if nothing depended on anything."""
    config = tiny_config(custom_hooks=[], experiment_name=name)
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    model.decode_head.head.conv_seg.bias.data[2] = 1e6
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'collapsed.pth')
    ladder = tmp_path / 'ladder.py'
    transform = dict(type='GaussianNoise', modality='depth')
    corruption = dict(name='noise', title='noise', unit='mm', argument='std', levels=[9])
    ladder.write_text(f'ladder = [{dict(corruption, transform=transform)!r}]')
    options = [f'--ladder={ladder}'] if name == 'robustness' else []
    out = tmp_path / 'out'
    tool(name).main([config, str(tmp_path / 'collapsed.pth'), f'--out={out}', *options])
    said = capsys.readouterr().out
    assert 'ensemble: only 1 of 5 classes is ever predicted: class 2; never' in said
    table = (out / 'table.md').read_text()
    assert '| 1 of 5 |' in table and '| +0.0 |' in table
    if name == 'missing_modalities':
        assert '| class 0 | class 1 | class 2 | class 3 | class 4 |' in table
        assert '1 of 5 classes found' in said


def test_metric_without_miou_is_refused(call):
    option = 'test_evaluator.prefix=val'
    with pytest.raises(SystemExit, match='test_evaluator: expected MultimodalIoUMetric without a'):
        call('--cfg-options', option)


def test_all_subsets(call, tmp_path, capsys):
    tests = call()['tests']
    assert list(tests) == ['rgb+depth', 'rgb', 'depth']
    assert 'depth/mIoU' not in tests['rgb'] and 'rgb/mIoU' not in tests['depth']
    for name in ('rgb', 'depth'):  # alone, the ensemble is the member
        assert tests[name]['mIoU'] == tests[name][f'{name}/mIoU']
    table = (tmp_path / 'out' / 'table.md').read_text()
    assert '| rgb + depth |' in table and '| - |' in table
    mean = sum(test['mIoU'] for test in tests.values()) / 3
    assert table.count('##') == 1 and f'| is absent (EMM) | {mean:.1f} |' in table
    assert (tmp_path / 'out' / 'figure.png').stat().st_size > 5000
    said = capsys.readouterr().out
    assert '3 tests to do, 0 done' in said and table in said
    assert call()['tests'] == tests
    assert '0 tests to do, 3 done' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('indices', 'samples'), [(None, [*range(8)]), (3, [0, 1, 2]), ([6, 7, 1, 2], [6, 7, 1, 2])]
)
def test_subsets(tool, indices, samples, tmp_path, rgbd_dataset_cfg):
    dataset = rgbd_dataset_cfg(root=tmp_path, count=8)
    dataset.update({} if indices is None else dict(indices=indices))
    list_subsets = tool('mmamf.analysis.missing_modalities').list_subsets
    subsets = list_subsets(dict(dataset=dataset))
    assert list(subsets) == ['rgb+depth', 'rgb', 'depth']
    load, *others = dataset['pipeline']
    assert subsets['rgb+depth']['dataset'] == {**dataset, 'indices': samples}
    drop = dict(type='ModalityDropout', prob=dict(depth=1.0))
    steps = [load, drop, *others]
    assert subsets['rgb']['dataset'] == {**dataset, 'indices': samples, 'pipeline': steps}

    sorted(tmp_path.glob('**/depth/**/*.png'))[1].unlink()
    subsets = list_subsets(dict(dataset={**dataset, 'optional': ['depth']}))
    assert subsets['rgb']['dataset']['indices'] == samples
    assert subsets['depth']['dataset']['indices'] == [index for index in samples if index != 1]


def test_subsets_of_three(tool, monkeypatch):
    module = tool('mmamf.analysis.missing_modalities')
    monkeypatch.setattr(module, 'list_present', lambda dataset: {0: {'a', 'b', 'c'}})
    load = dict(type='LoadMultimodalImages')
    subsets = module.list_subsets(dict(dataset=dict(modalities=['a', 'b', 'c'], pipeline=[load])))
    assert list(subsets) == ['a+b+c', 'a+b', 'a+c', 'b+c', 'a', 'b', 'c']
    assert subsets['a+b+c']['dataset']['pipeline'] == [load]
    drop = dict(type='ModalityDropout', prob=dict(a=1.0, c=1.0))
    assert subsets['b']['dataset']['pipeline'] == [load, drop]


def test_samples_without_the_modality(call, tmp_path, capsys):
    both = call()['tests']
    for path in sorted(tmp_path.glob('rgbd/**/depth/**/*.png'))[2:]:
        path.unlink()
    (tmp_path / 'out' / 'results.json').unlink()  # of another config
    option = ('--cfg-options', 'test_dataloader.dataset.optional=[depth]')
    optional = call(*option)['tests']
    assert optional['rgb'] == both['rgb'] and optional['depth'] != both['depth']
    assert [test['samples'] for test in optional.values()] == [8, 8, 2]
    table = (tmp_path / 'out' / 'table.md').read_text()
    (depth,) = (line for line in table.splitlines() if line.startswith('| depth |'))
    assert depth.startswith('| depth | 2 |') and depth.endswith('| - |')
    assert 'rows have\ndifferent samples' in table

    capsys.readouterr()
    sorted(tmp_path.glob('rgbd/**/depth/**/*.png'))[0].unlink()
    assert call(*option)['tests']['depth']['samples'] == 1
    assert '1 tests to do, 2 done' in capsys.readouterr().out
    complete = call('--complete', *option)['tests']
    assert [test['samples'] for test in complete.values()] == [1, 1, 1]
    assert 'different samples' not in (tmp_path / 'out' / 'table.md').read_text()


def test_no_sample_with_the_modality(call, tmp_path):
    for path in tmp_path.glob('rgbd/**/depth/**/*.png'):
        path.unlink()
    option = ('--cfg-options', 'test_dataloader.dataset.optional=[depth]')
    with pytest.raises(SystemExit, match=r"expected a sample with one of \('depth',\), got none"):
        call(*option)
    with pytest.raises(SystemExit, match=r"with all of \['rgb', 'depth'\], got none"):
        call('--complete', *option)


def test_protocol_with_random_missing_and_noise(call, tmp_path, capsys):
    subsets = call()['tests']
    tests = call('--random-missing')['tests']
    losses = [f'rmm/{s} of {name}' for s in (0.25, 0.5, 0.75) for name in ('depth', 'rgb')]
    assert list(tests) == [*subsets, *losses] and subsets.items() <= tests.items()
    assert '6 tests to do, 3 done' in capsys.readouterr().out
    assert tests[losses[0]]['corruption'] == [
        dict(type='LostReadings', modality='depth', share=0.25)
    ]
    table = (tmp_path / 'out' / 'table.md').read_text()
    mean = sum(tests[name]['mIoU'] for name in ('rgb+depth', *losses[:2])) / 3
    assert f'| loses 25 % of its values (RMM) | {mean:.1f} |' in table and '(NM)' not in table

    every = call('--random-missing', '--noise')['tests']
    assert list(every) == [*tests, 'nm/low', 'nm/middle', 'nm/high']
    assert '3 tests to do, 9 done' in capsys.readouterr().out
    table = (tmp_path / 'out' / 'table.md').read_text()
    assert table.count('(RMM)') == 3
    row = ' | '.join(f'{every[f"nm/{level}"]["mIoU"]:.1f}' for level in ('low', 'middle', 'high'))
    assert table.splitlines()[-1] == f'| mIoU | {row} |'
    # all tests see different damage, and a second run sees the same
    assert len({test['mIoU'] for test in every.values()}) == 12
    (tmp_path / 'out' / 'results.json').unlink()
    assert call('--random-missing', '--noise')['tests'] == every


def test_protocol_of_optional_modalities(call, tmp_path):
    """Samples without depth take part in every further test, with what they have."""
    for path in sorted(tmp_path.glob('rgbd/**/depth/**/*.png'))[2:]:
        path.unlink()
    option = ('--cfg-options', 'test_dataloader.dataset.optional=[depth]')
    tests = call('--random-missing', '--noise', *option)['tests']
    assert {test['samples'] for name, test in tests.items() if name != 'depth'} == {8}
    assert tests['depth']['samples'] == 2


def test_noise_needs_statistics(tool):
    config = Config(dict(model=dict(data_preprocessor=dict(type='SegDataPreProcessor'))))
    args = Namespace(random_missing=False, noise=True)
    list_damages = tool('mmamf.analysis.missing_modalities').list_damages
    with pytest.raises(ValueError, match=r"`modalities` with mean and std.*got .*\['type'\]"):
        list_damages(args, config)


@pytest.mark.parametrize('name', ['missing_modalities', 'robustness'])
def test_modalities_that_the_data_set_describes(tool, tiny_config, tmp_path, name):
    """Not by names alone: the current form of configs."""
    files = [
        dict(name='rgb', channels=3, dtype='uint8'),
        dict(name='depth', channels=1, dtype='uint16', missing=0),
    ]
    steps = ('LoadMultimodalImages', 'LoadLabelMap', 'PackMultimodalSegInputs')
    dataset = dict(
        modalities=files,
        data_prefix=dict(_delete_=True, seg_map_path='label'),
        pipeline=[dict(type=step) for step in steps],
    )
    config = tiny_config(custom_hooks=[], test_dataloader=dict(dataset=dataset))
    checkpoint = tmp_path / 'untrained.pth'
    torch.save(
        dict(state_dict=MODELS.build(Config.fromfile(config).model).state_dict()), checkpoint
    )
    options = [] if name == 'robustness' else ['--random-missing', '--noise']
    if name == 'robustness':
        ladder = tmp_path / 'ladder.py'
        transform = dict(type='GaussianNoise', modality='depth')
        corruption = dict(name='noise', title='noise', unit='mm', argument='std', levels=[9])
        ladder.write_text(f'ladder = [{dict(corruption, transform=transform)!r}]')
        options = [f'--ladder={ladder}']
    tool(name).main([config, str(checkpoint), f'--out={tmp_path / "out"}', *options])
    tests = json.loads((tmp_path / 'out' / 'results.json').read_text())['tests']
    assert len(tests) == (2 if name == 'robustness' else 12)


def test_several_data_sets(tool):
    loader = dict(dataset=dict(type='ConcatDataset', datasets=[]))
    with pytest.raises(ValueError, match='expected one data set with `modalities`, got ConcatData'):
        tool('mmamf.analysis.missing_modalities').list_subsets(loader)


def test_missing_checkpoint(call):
    with pytest.raises(SystemExit, match='error: none.pth: there is no such checkpoint'):
        call(checkpoint='none.pth')
