"""tools/analysis/missing_modalities.py on a tiny network without training."""

import json

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
    assert (tmp_path / 'out' / 'figure.png').stat().st_size > 5000
    assert '3 tests to do, 0 done' in capsys.readouterr().out
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
    depth = (tmp_path / 'out' / 'table.md').read_text().splitlines()[-1]
    assert depth.startswith('| depth | 2 |') and depth.endswith('| - |')

    capsys.readouterr()
    sorted(tmp_path.glob('rgbd/**/depth/**/*.png'))[0].unlink()
    assert call(*option)['tests']['depth']['samples'] == 1
    assert '1 tests to do, 2 done' in capsys.readouterr().out


def test_no_sample_with_the_modality(call, tmp_path):
    for path in tmp_path.glob('rgbd/**/depth/**/*.png'):
        path.unlink()
    with pytest.raises(SystemExit, match=r"expected a sample with one of \('depth',\), got none"):
        call('--cfg-options', 'test_dataloader.dataset.optional=[depth]')


def test_several_data_sets(tool):
    loader = dict(dataset=dict(type='ConcatDataset', datasets=[]))
    with pytest.raises(ValueError, match='expected one data set with `modalities`, got ConcatData'):
        tool('mmamf.analysis.missing_modalities').list_subsets(loader)


def test_missing_checkpoint(call):
    with pytest.raises(SystemExit, match='error: none.pth: there is no such checkpoint'):
        call(checkpoint='none.pth')
