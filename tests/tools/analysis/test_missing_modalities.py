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


def test_subsets_of_three(tool):
    subsets = tool('missing_modalities').list_subsets(['a', 'b', 'c'])
    assert list(subsets) == ['a+b+c', 'a+b', 'a+c', 'b+c', 'a', 'b', 'c']
    assert subsets['a+b+c'] == []
    assert subsets['b'] == [dict(type='ModalityDropout', prob=dict(a=1.0, c=1.0))]


def test_missing_checkpoint(call):
    with pytest.raises(FileNotFoundError, match='none.pth: there is no such checkpoint'):
        call(checkpoint='none.pth')
