"""Measures what a start costs: CPU time of imports and of --help, each in its own process."""

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from .interleaved import Spread, ratio, take_turns

# Where timm is installed, mmseg imports torchvision through it. That hides the cost of mmamf, and
# may fail without mmamf's cure.
WITHOUT_TIMM = "import sys; sys.modules['timm'] = None; import "
HELP = """
import sys, runpy
sys.argv, sys.path[0] = [{script!r}, '--help'], {folder!r}
try:
    runpy.run_path({script!r}, run_name='__main__')
except SystemExit:
    pass
"""
SAY = '\nimport os, sys; times = os.times(); sys.stderr.write(f"{times.user + times.system}")'


def find_commands(tools: Path) -> list[Path]:
    """List the scripts in a folder, and in its folder `analysis`, that are commands."""
    files = [path for folder in ('.', 'analysis') for path in sorted((tools / folder).glob('*.py'))]
    return [path for path in files if '__main__' in path.read_text()]


def help_of(script: Path) -> str:
    """Write code that asks a script for its help."""
    return HELP.format(script=str(script), folder=str(script.parent))


def cpu_seconds(code: str) -> float:
    """Run Python code in a new process; return its CPU time in seconds."""
    command = [sys.executable, '-W', 'ignore', '-c', code + SAY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stderr.split()[-1])


def measure_start_up(scripts: Sequence[Path], repeats: int) -> dict[str, Spread]:
    """Measure imports and the help of scripts, in turns.

    Returns:
        Ratios: `import mmamf` to `import mmseg.models`, and each help to `import torch`.
    """
    codes = {name: f'{WITHOUT_TIMM}{name}' for name in ('mmamf', 'mmseg.models', 'torch')}
    codes |= {script.name: help_of(script) for script in scripts}
    turns = {name: partial(cpu_seconds, code) for name, code in codes.items()}
    seconds = take_turns(turns, repeats)
    pairs = [('mmamf', 'mmseg.models'), *((script.name, 'torch') for script in scripts)]
    return {f'{of} / import {to}': ratio(seconds[of], seconds[to]) for of, to in pairs}
