"""`mmamf doctor`: the report, and what it says of a stack that does not work."""

import importlib.util
from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS

from mmamf.commands import doctor

ROOT = Path(__file__).parents[2]


def test_report(capsys):
    works = doctor.doctor()
    said = capsys.readouterr().out
    assert works, said
    lines = dict(line.split(maxsplit=1) for line in said.splitlines() if line.startswith('    '))
    assert lines['torch'] == importlib.metadata.version('torch')
    assert lines['cpu'] == 'works'
    for title in ('mmamf', 'python', 'stack', 'optional', 'devices', 'a network of two modalities'):
        assert f'{title}\n' in said


def test_an_absent_package_is_named_with_its_use(monkeypatch, capsys):
    monkeypatch.setitem(doctor.OPTIONAL, 'no-such-package', 'nothing at all')
    doctor._section('optional', {'no-such-package': doctor._version('no-such-package')})
    assert 'absent' in capsys.readouterr().out


@pytest.mark.parametrize(
    'error', [RuntimeError('no kernel for this device'), ImportError('no module named mmseg')]
)
def test_a_network_that_does_not_run(monkeypatch, capsys, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(MODELS, 'build', fail)
    assert not doctor.doctor()
    assert str(error) in capsys.readouterr().out


def test_every_device_is_tried(monkeypatch, capsys):
    tried = []
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(doctor, '_devices', dict)
    monkeypatch.setattr(doctor, '_predict', lambda device: tried.append(device) or 'works')
    assert doctor.doctor()
    assert tried == ['cpu', 'cuda:0', 'cuda:1']


def test_optional_packages_are_those_of_the_requirements():
    text = ''.join(path.read_text() for path in (ROOT / 'requirements').glob('*.txt'))
    own = {'imagecodecs', 'matplotlib'}  # advised by an error; comes with mmengine
    assert not [name for name in doctor.OPTIONAL if name not in text and name not in own]


def test_exit_status(monkeypatch):
    spec = importlib.util.spec_from_file_location('tool_doctor', ROOT / 'tools' / 'doctor.py')
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for works, status in ((True, 0), (False, 1)):
        monkeypatch.setattr(doctor, 'doctor', lambda works=works: works)
        with pytest.raises(SystemExit) as stop:
            script.main([])
        assert int(stop.value.code) == status
