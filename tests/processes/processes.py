"""What happens in a process that a test starts, and in that of the tests."""

import ast
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import mmamf  # noqa: F401  # isort: skip  (first: it cures the stack)
from mmengine.config import config


def check_syntax(text: str, **kwargs) -> tuple[str, bool]:
    """Stand for yapf's FormatCode, which takes a second for a layout that no test reads."""
    ast.parse(text)
    return text, True


def run_script(path: str, arguments: Sequence[str], output: Path | None) -> None:
    """Run a Python file as `__main__`, with its output in a file if there is one."""
    if output is not None:
        with open(output, 'wb') as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    sys.argv = [path, *arguments]
    sys.path.insert(0, str(Path(path).parent))  # as Python does for a script
    runpy.run_path(path, run_name='__main__')


config.FormatCode = check_syntax
