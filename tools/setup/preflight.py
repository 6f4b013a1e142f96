"""Checks what the machine must have; each message says how to get what is missing."""

import ctypes
import importlib.util
import shutil
import sys
from pathlib import Path

GIB = 2**30
NEEDED_GIB = 3  # the environment 2.0, downloads 0.3, pip's cache 0.5, the demo's files 0.2
VERSION = f'{sys.version_info.major}.{sys.version_info.minor}'
# opencv-python loads these when it is imported: (file, Debian package, Fedora package).
SHARED_LIBRARIES = (
    ('libGL.so.1', 'libgl1', 'mesa-libGL'),
    ('libgthread-2.0.so.0', 'libglib2.0-0', 'glib2'),
)


class SetupError(RuntimeError):
    """The set-up cannot continue; the message says why, and what to do."""


def missing(problem: str, debian: str, fedora: str = '') -> SetupError:
    """Make the error that names the packages to install for a problem."""
    lines = [problem, f'Debian, Ubuntu: sudo apt-get install {debian}']
    lines += [f'Fedora: sudo dnf install {fedora}'] if fedora else []
    return SetupError('\n'.join(lines))


def check_venv_module() -> None:
    """Check that `python -m venv` works: Debian's plain Python has no venv or ensurepip."""
    if not (importlib.util.find_spec('venv') and importlib.util.find_spec('ensurepip')):
        problem = 'can not make virtual environments: its venv or ensurepip is missing.'
        raise missing(f'{sys.executable} {problem}', f'python{VERSION}-venv')


def check_disk(folder: Path, needed_gib: float = NEEDED_GIB) -> None:
    """Check the free space in GiB on the disk of `folder`."""
    free = shutil.disk_usage(folder).free / GIB
    if free < needed_gib:
        raise SetupError(
            f'{free:.1f} GiB are free in {folder}, and the environment needs {needed_gib:.0f} GiB '
            '(a CUDA build of torch: 6 GiB more).\nMake room, or clone onto a larger disk. '
            '`pip cache purge` frees what pip has kept.'
        )


def check_shared_libraries() -> None:
    """Check that the shared libraries of opencv-python are installed."""
    for name, debian, fedora in SHARED_LIBRARIES if sys.platform.startswith('linux') else ():
        try:
            ctypes.CDLL(name)
        except OSError as error:
            problem = f'{name} is missing; opencv-python needs it ({error}).'
            raise missing(problem, debian, fedora) from None
