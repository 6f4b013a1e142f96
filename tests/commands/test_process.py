"""Commands in processes: their output, their errors and their end."""

import os
import signal
import sys
import time

import pytest

from mmamf.commands.process import Process, interruptible


@pytest.fixture
def start(tmp_path):
    """Starter of Python code with a log."""
    return lambda code: Process([sys.executable, '-c', code], tmp_path / 'log')


def test_cpu_seconds_and_exit_code(start):
    process = start('raise SystemExit(3)')
    assert process.returncode is None
    seconds = process.wait()
    assert 0 < seconds < 60 and process.returncode == 3
    assert process.poll() == process.wait() == seconds
    assert process.last_error() == 'exit code 3'


def test_lines_come_while_the_process_runs(start):
    process = start("import time; print('a'); print('b', end='', flush=True); time.sleep(60)")
    assert next(process.lines()) == 'a' and process.poll() is None
    process.stop()
    assert process.returncode == -signal.SIGTERM
    process = start("print('\\nc')")
    assert list(process.lines())[-1] == 'c'


@pytest.mark.parametrize(
    ('code', 'expected'),
    [
        ("raise ValueError('expected 3,\\ngot 4')", 'ValueError: expected 3,\ngot 4'),
        ("raise SystemExit('error: a.py: there is no file')", 'error: a.py: there is no file'),
        ("print('KeyError: 1'); raise TypeError('2')", 'TypeError: 2'),
    ],
)
def test_last_error(start, code, expected):
    process = start(code)
    process.wait()
    assert process.last_error() == expected


def test_a_process_that_ignores_the_signal_is_killed(start, monkeypatch, tmp_path):
    monkeypatch.setattr('mmamf.commands.process.PATIENCE', 0.3)
    code = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); '
    process = start(code + "print('ready', flush=True); time.sleep(60)")
    assert next(process.lines()) == 'ready'
    process.stop()
    assert process.returncode == -signal.SIGKILL


def test_the_log_is_continued(start, tmp_path):
    for word in 'ab':
        start(f'print({word!r})').wait()
    assert (tmp_path / 'log').read_text() == 'a\nb\n'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_ends_with_a_hint(capsys, number):
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.getsignal(each) for each in signals}
    try:
        for each in signals:  # nohup ignores one of them
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises(SystemExit) as stop, interruptible('run it again'):
            os.kill(os.getpid(), number)
            time.sleep(5)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert stop.value.code == 130
    assert capsys.readouterr().out == '\ninterrupted: run it again\n'
