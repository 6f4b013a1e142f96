"""tools/analysis/gpu_report.py on the CPU, at a tiny size."""

import json
import os
from types import SimpleNamespace

import pytest
import torch
from torch import nn


@pytest.fixture(autouse=True)
def visible_devices(monkeypatch):
    """Undo what the tool sets."""
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', os.environ.get('CUDA_VISIBLE_DEVICES', '0'))


@pytest.fixture
def report(tool, monkeypatch):
    module = tool('mmamf.benchmarks.gpu_report')
    monkeypatch.setattr(
        module, 'run_tests', lambda *args: {'': 'ended in time', 'a': 'passed', 'b': 'wrong sum'}
    )
    return module


def run(tool, folder, *arguments):
    tool('gpu_report').main(['--device', 'cpu', '--quick', '--out', str(folder), *arguments])
    return json.loads((folder / 'gpu_report.json').read_text())


def test_measures_the_most_important_first(tool, report, tmp_path, monkeypatch, capsys):
    """One cell that is measured; for the second, there is no time."""
    cells = list(report.list_cells(quick=True))
    kept = [cells[3], cells[11], cells[0]]  # ResNet-18 and MiT-B0, inference of one sample
    monkeypatch.setattr(report, 'list_cells', lambda quick: iter(kept))
    times = iter([0, 0, 1, 1, 2, 1000])
    monkeypatch.setattr(report, 'time', SimpleNamespace(monotonic=lambda: next(times)))
    results = run(tool, tmp_path, '--minutes', '1')
    assert list(results['cells']) == [kept[0][0].name, kept[1][0].name]
    for result in results['cells'].values():
        assert result['memory']['ours/contiguous/eager'] > 0
        parameters = {name: count for name, (count, _) in result['complexity'].items()}
        assert parameters['loop'] == parameters['ours'] < parameters['separate']
        networks = {name.split('/')[0] for name in result['seconds']}
        assert networks == {'plain', 'ours', 'loop', 'separate'}
    table = (tmp_path / 'gpu_report.md').read_text()
    assert table in capsys.readouterr().out
    assert '1 passed, 1 failed, 0 skipped' in table and '- b: wrong sum' in table
    assert f'| {kept[2][0].name} | not measured |' in table


TESTS = """
import os, time, pytest

@pytest.mark.gpu
def test_good(): assert os.environ['MMAMF_DEVICE'] == 'cpu'

@pytest.mark.gpu
def test_bad(): raise ValueError('wrong sum')

@pytest.mark.gpu
def test_not_here(): pytest.skip()

def test_other(): assert False
"""


def test_runs_the_marked_tests(tool, tmp_path, monkeypatch):
    module, folder = tool('mmamf.benchmarks.gpu_report'), tmp_path / 'tests'
    monkeypatch.setattr(module, 'TESTS', folder)
    assert module.run_tests('cpu', 100)[''].startswith('not run: expected the tests of a clone')
    folder.mkdir()
    (tmp_path / 'pyproject.toml').write_text('[tool.pytest.ini_options]\nmarkers = ["gpu"]\n')
    (folder / 'test_any.py').write_text(TESTS)
    assert module.run_tests('cpu', 300) == {
        '': 'ended in time',
        'test_good': 'passed',
        'test_bad': 'ValueError: wrong sum',
        'test_not_here': 'skipped',
    }
    (folder / 'test_any.py').write_text(f'{TESTS}\ntime.sleep(60)')
    assert module.run_tests('cpu', 0.5) == {'': 'not ended after 0 s'}


def test_all_that_was_asked_for_is_in_the_list(report):
    cells = list(report.list_cells(quick=False))
    names = {cell.name for cell, _ in cells}
    assert len(names) == 24 and len(cells) == 26
    assert {(cell.depth, cell.batch) for cell, _ in cells} == {
        (depth, batch) for depth in (18, 50, 'mitb0') for batch in (1, 8)
    }
    assert [cell.mode for cell, compiled in cells if compiled] == ['training', 'inference']
    assert all(cell == cell.parse(cell.name) for cell, _ in cells)


def test_loop_over_any_network_computes_the_same(tool):
    """All modalities share all layers except the norms."""
    networks, baselines = tool('mmamf.benchmarks.networks'), tool('mmamf.benchmarks.baselines')
    cell = networks.Cell('encoder', networks.MIT_B0, 32, 32, 1, 'inference', 'float32')
    loop = networks.build(cell, networks.Form('loop'))
    assert isinstance(loop, baselines.LoopNetworks)
    first, second = (dict(net.named_parameters()) for net in loop.networks)
    private = {name for name in first if first[name] is not second[name]}
    norms = [n for n, m in loop.networks[0].named_modules() if isinstance(m, nn.LayerNorm)]
    assert private == {f'{name}.{entry}' for name in norms for entry in ('weight', 'bias')}
    x = networks.make_inputs(cell, networks.Form('loop'))
    with torch.no_grad():
        assert torch.equal(loop(x)[1][-1], loop.networks[1](x[:, 3:])[-1])


@pytest.mark.skipif(torch.cuda.is_available(), reason='for machines without a GPU')
def test_without_a_gpu_it_says_how_to_try_it(tool, tmp_path, capsys):
    with pytest.raises(SystemExit, match='error: --device cuda: expected a GPU, .* --device cpu'):
        tool('gpu_report').main(['--out', str(tmp_path)])
    with pytest.raises(SystemExit, match='error: --minutes: expected more than 0, got 0'):
        tool('gpu_report').main(['--device', 'cpu', '--minutes', '0'])
