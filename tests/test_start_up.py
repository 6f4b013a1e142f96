"""What a start imports, in a process of its own: time is for a benchmark to measure."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mmamf_command
from mmamf.benchmarks.start_up import STAND_INS, cpu_seconds, find_commands, help_of

TOOLS = Path(__file__).resolve().parents[1] / 'tools'
SLOW = ('torchvision', 'torch._dynamo', 'torch.onnx', 'matplotlib', 'mmagic', 'rich', 'scipy.stats')
SCRIPTS = find_commands(TOOLS)


def modules_after(code: str) -> set[str]:
    say = 'import sys; sys.stderr.write(repr(sorted(sys.modules)))'
    command = [sys.executable, '-W', 'ignore', '-c', f'{code}\n{say}']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(ast.literal_eval(done.stderr.splitlines()[-1]))


def test_import_leaves_to_others_what_is_slow():
    hidden = f"{STAND_INS}\nimport sys; sys.modules['timm'] = None; import mmseg.models; "
    say = 'before = set(sys.modules); import mmamf; new = set(sys.modules) - before'
    registered = (
        '; from mmengine.registry import MODELS, DATASETS, TRANSFORMS, HOOKS, METRICS\n'
        "assert 'MultimodalSegmentor' in MODELS and 'MultimodalSegDataset' in DATASETS\n"
        "assert 'LoadMultimodalImages' in TRANSFORMS and 'FusionDiagnosisHook' in HOOKS\n"
        "assert 'MultimodalIoUMetric' in METRICS\n"
        'assert not new & set({slow!r}), new & set({slow!r})'
    )
    modules_after(hidden + say + registered.format(slow=SLOW))


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda path: path.stem)
def test_help_needs_no_torch(script):
    found = modules_after(help_of(script))
    assert not found & {'torch', 'mmengine', 'mmamf.compat', 'numpy'}


def test_command_lists_scripts_that_exist(capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmamf'])
    mmamf_command.main()
    listed = capsys.readouterr().out
    assert all((TOOLS / script).is_file() for script in mmamf_command.SCRIPTS.values())
    assert all(f'\n  {command} ' in listed for command in mmamf_command.SCRIPTS)
    assert 'Trains a model from a config.' in listed


def test_command_runs_a_script_under_its_own_name():
    code = "import sys, mmamf_command; sys.argv = ['mmamf', 'export', '--help']\n"
    code += 'try:\n    mmamf_command.main()\nexcept SystemExit:\n    pass'
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith('usage: mmamf export [-h]')
    assert not modules_after(code) & {'torch', 'mmamf'}


def test_unknown_command(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmamf', 'tain'])
    with pytest.raises(SystemExit, match="expected a command, got 'tain'\nusage: mmamf COMMAND"):
        mmamf_command.main()


def test_processor_time_is_measured():
    assert cpu_seconds('import argparse') > 0


def test_a_script_runs_by_its_path(tmp_path):
    """As `runpy` runs it, which does not put the script's folder on the path."""
    code = f"import runpy; runpy.run_path({str(TOOLS / 'train.py')!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, '-c', code, '--help'],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(TOOLS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and '--work-dir' in done.stdout, done.stderr
