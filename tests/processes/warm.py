"""What the processes of the tests share: slow imports, done once, and `run_script`.

`start_script` forks its processes from one that has imported this module.
"""

import ast
import gc
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import mmamf  # noqa: F401  # isort: skip  (first: it cures the stack)
import matplotlib.backends.backend_agg  # noqa: F401
import matplotlib.figure  # noqa: F401
import mmseg.engine  # noqa: F401
import mmseg.visualization  # noqa: F401
import setuptools  # noqa: F401  (torch looks for a compiler with it, to say which)
from mmengine.config import config
from PIL import Image


def check_syntax(text: str, **kwargs) -> tuple[str, bool]:
    """Stand for yapf's FormatCode, which takes a second for a layout that no test reads."""
    ast.parse(text)
    return text, True


def run_script(path: str, arguments: Sequence[str], output: Path | None, env: dict) -> None:
    """Run a Python file as `__main__`, with its output in a file if there is one."""
    if output is not None:
        with open(output, 'wb') as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    os.environ.update(env)
    sys.argv = [path, *arguments]
    sys.path.insert(0, str(Path(path).parent))  # as Python does for a script
    runpy.run_path(path, run_name='__main__')


config.FormatCode = check_syntax
Image.init()  # imports the readers of all formats
# mmengine collects garbage for every data set, and never finds any among what is imported
gc.freeze()
