"""docs/peers/compare.py without a training."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def peers(tmp_path, monkeypatch):
    """The script, with its results in a folder of the test."""
    spec = spec_from_file_location('compare_peers', ROOT / 'docs' / 'peers' / 'compare.py')
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ('RUNS', 'WORK_DIRS'):
        monkeypatch.setattr(module, name, tmp_path / name)
    return module


def test_a_run_is_one_training_and_is_not_repeated(peers, tmp_path, monkeypatch):
    commands = []

    def train(command, check, env):
        commands.append(command)
        folder = Path(command[command.index('--work-dir') + 1], 'run', 'vis_data')
        folder.mkdir(parents=True)
        records = [
            dict(loss=3.0, iter=150, step=150),
            dict(mIoU=20.123, cpu_seconds=30.0, step=150),
            dict(mIoU=40.0, cpu_seconds=66.0, step=300),
        ]
        (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, records)))

    monkeypatch.setattr(peers, 'subprocess', SimpleNamespace(run=train))
    left = tmp_path / 'WORK_DIRS' / 'cmx-0.002-7' / 'of an interrupted run'
    left.mkdir(parents=True)
    arguments = ['compare.py', 'cmx', '--seed', '7', '--rate', '0.002', '--cmx', 'code']
    monkeypatch.setattr(sys, 'argv', arguments)
    peers.main()
    peers.main()
    (command,) = commands
    assert not left.exists()
    assert command[2].endswith('docs/peers/cmx.py') and '--length 750' in ' '.join(command)
    assert command[-3:] == [
        'randomness.seed=7',
        'optim_wrapper.optimizer.lr=0.002',
        'model.backbone.checkout=code',
    ]
    (result,) = (tmp_path / 'RUNS').iterdir()
    assert json.loads(result.read_text()) == dict(
        network='cmx',
        seed=7,
        rate=0.002,
        iterations=[150, 300],
        cpu_minutes=[0.5, 1.1],
        mIoU=[20.12, 40.0],
    )


def test_report(peers, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(peers, 'HERE', tmp_path)
    peers.RUNS.mkdir()
    rate = {network: rate for network, (_, _, rate, _) in peers.NETWORKS.items()}
    last = {('ours', 0): 50, ('ours', 1): 54, ('cmx', 0): 41, ('cmx', 1): 43, ('cmx', 100): 99}
    for (network, seed), value in last.items():
        curve = dict(iterations=[1, 2, 3, 4, 5], cpu_minutes=[1, 2, 3, 4, 5 + 2 * seed])
        curve |= dict(network=network, seed=seed, rate=rate[network], mIoU=[1, 2, 3, 4, value])
        (peers.RUNS / f'{network}-{seed}.json').write_text(json.dumps(curve))
    peers.report()
    out = capsys.readouterr().out
    assert f'| cmx | {rate["cmx"]:g} | 99.0 |' in out
    assert '| 5 | 6.0 ± 1.4 | 1.0 ± 0.0 |' in out
    assert '| 52.0 ± 2.8 |' in out and '| 42.0 ± 1.4 |' in out
    assert 'ours - CMX: +10.0 [-2.7, +22.7]' in out  # +9 and +11
    assert (tmp_path / 'curves.png').stat().st_size > 1000
