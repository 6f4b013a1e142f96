"""A mistake of the user ends a command with one line; an unexpected exception has a traceback."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from mmamf.commands.train import use_amp
from mmamf.visualization import colorize_labels

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture
def one_line_errors():
    import mmamf_command_line

    return mmamf_command_line.one_line_errors


def test_a_failed_check_of_the_project(one_line_errors):
    with pytest.raises(SystemExit, match='^error: --amp: expected .* got Apex'), one_line_errors():
        use_amp(dict(type='Apex'))


@pytest.mark.parametrize('error', [FileNotFoundError, PermissionError])
def test_a_file_that_is_not_there_wherever_it_is_read(one_line_errors, error):
    with pytest.raises(SystemExit, match='^error: a.py'), one_line_errors():
        raise error('a.py')


@pytest.mark.parametrize(
    ('hint', 'line'), [((), 'interrupted'), (('use --resume',), 'interrupted: use --resume')]
)
def test_an_interruption_is_one_line(one_line_errors, capsys, hint, line):
    with pytest.raises(SystemExit) as stop, one_line_errors(*hint):
        raise KeyboardInterrupt
    assert stop.value.code == 130 and capsys.readouterr().out == f'\n{line}\n'


@pytest.mark.parametrize(
    'call',
    [
        lambda: int('a'),
        lambda: json.loads('{'),
        lambda: 1 / 0,
        # inside the project, but not raised by a check
        lambda: colorize_labels(np.zeros((2, 2), np.uint8), [(0, 0, 0), (0, 0)]),
    ],
)
def test_others_are_unexpected(one_line_errors, call):
    with pytest.raises((ValueError, ZeroDivisionError)), one_line_errors():
        call()


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Caller of a script in tools/ as from the command line: ``call('train', *arguments)``."""

    def run(name, *arguments):
        spec = importlib.util.spec_from_file_location(f'tool_{name}', TOOLS / f'{name}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(sys, 'argv', [f'{name}.py', *arguments])
        monkeypatch.chdir(tmp_path)
        module.main()

    return run


@pytest.mark.parametrize(
    ('tool', 'arguments', 'message'),
    [
        ('train', ['CONFIG', '--modalities', 'heat'], "--modalities: expected some of .*'heat'"),
        ('train', ['CONFIG', '--length', '0'], '--length: expected at least 1'),
        ('train', ['none.py'], '.*none.py'),
        ('test', ['CONFIG', 'none.pth'], 'none.pth: there is no such checkpoint'),
    ],
)
def test_training_and_test(call, tiny_config, tool, arguments, message):
    arguments = [tiny_config() if word == 'CONFIG' else word for word in arguments]
    with pytest.raises(SystemExit, match=f'^error: {message}'):
        call(tool, *arguments)


def test_a_missing_image_is_told_before_the_first_iteration(call, tmp_path, tiny_config):
    """The data set is built when the training has started, deep inside mmengine."""
    config = tiny_config()
    for path in (tmp_path / 'rgbd' / 'depth').iterdir():
        path.unlink()
    with pytest.raises(SystemExit, match='(?s)^error: .*depth'):
        call('train', config)
