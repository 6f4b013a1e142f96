"""Measures what a start costs: CPU time of imports and of --help, each in its own process."""

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mmamf.commands.process import Process
from mmamf.compat import imports

from .interleaved import Spread, ratio, take_turns

# If timm is installed, mmseg imports torchvision through timm. Then mmseg seems slower than it is,
# and where torchvision does not fit torch, only mmamf repairs its import.
WITHOUT_TIMM = "import sys; sys.modules['timm'] = None; import "
# mmcv-lite has no operators, and mmseg.models imports them: it gets the stand-ins of
# mmamf.compat.imports, without the rest of mmamf.
STAND_INS = f"""
import importlib.util
spec = importlib.util.spec_from_file_location('imports', {imports.__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.provide_mmcv_ops_stub()
"""
HELP = """
import sys, runpy
sys.argv, sys.path[0] = [{script!r}, '--help'], {folder!r}
try:
    runpy.run_path({script!r}, run_name='__main__')
except SystemExit:
    pass
"""


def find_commands(tools: Path) -> list[Path]:
    """List the scripts in a folder, and in its folder `analysis`, that are commands."""
    files = [path for folder in ('.', 'analysis') for path in sorted((tools / folder).glob('*.py'))]
    return [path for path in files if '__main__' in path.read_text()]


def help_of(script: Path) -> str:
    """Write code that asks a script for its help."""
    return HELP.format(script=str(script), folder=str(script.parent))


def cpu_seconds(code: str) -> float:
    """Run Python code in a new process; return its CPU time in seconds."""
    process = Process([sys.executable, '-W', 'ignore', '-c', code], Path(os.devnull))
    seconds = process.wait()
    if process.returncode:
        raise ValueError(f'expected code that runs, got exit code {process.returncode}: {code}')
    return seconds


def measure_start_up(scripts: Sequence[Path], repeats: int) -> dict[str, Spread]:
    """Measure imports and the help of scripts, in turns.

    Returns:
        Ratios: `import mmamf` to `import mmseg.models`, and each help to `import torch`.
    """
    codes = {name: f'{WITHOUT_TIMM}{name}' for name in ('mmamf', 'mmseg.models', 'torch')}
    codes['mmseg.models'] = f'{STAND_INS}\n{codes["mmseg.models"]}'
    codes |= {script.name: help_of(script) for script in scripts}
    turns = {name: partial(cpu_seconds, code) for name, code in codes.items()}
    seconds = take_turns(turns, repeats)
    pairs = [('mmamf', 'mmseg.models'), *((script.name, 'torch') for script in scripts)]
    return {f'{of} / import {to}': ratio(seconds[of], seconds[to]) for of, to in pairs}
