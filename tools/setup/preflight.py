"""Checks what the machine must have beforehand; each message says how to get what is missing."""

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

GIB = 2**30
NEEDED_GIB = 4  # the environment 2.2, the build of mmcv 0.6, pip's cache 0.5, the demo's files 0.2
# opencv-python loads these when it is imported: (file, Debian package, Fedora package).
SHARED_LIBRARIES = (
    ('libGL.so.1', 'libgl1', 'mesa-libGL'),
    ('libgthread-2.0.so.0', 'libglib2.0-0', 'glib2'),
)


class SetupError(RuntimeError):
    """The set-up can not go on; the message says why and what to do."""


def check_venv_module() -> None:
    """Check that `python -m venv` can work.

    Raises:
        SetupError: If venv or ensurepip is missing, as in Debian's bare Python.
    """
    if importlib.util.find_spec('venv') and importlib.util.find_spec('ensurepip'):
        return
    version = f'{sys.version_info.major}.{sys.version_info.minor}'
    raise SetupError(
        f'{sys.executable} can not make virtual environments: its venv or ensurepip is missing.\n'
        f'Debian, Ubuntu: sudo apt-get install python{version}-venv'
    )


def check_disk(folder: Path, needed_gib: float = NEEDED_GIB) -> None:
    """Check the free space in GiB on the disk of `folder`.

    Raises:
        SetupError: If there is less than needed.
    """
    free = shutil.disk_usage(folder).free / GIB
    if free < needed_gib:
        raise SetupError(
            f'{free:.1f} GiB are free in {folder}, and the environment needs {needed_gib:.0f} GiB '
            '(a CUDA build of torch: 6 GiB more).\nMake room, or clone onto a larger disk. '
            '`pip cache purge` frees what pip has kept.'
        )


def check_shared_libraries() -> None:
    """Check that the libraries that opencv-python loads are there.

    Raises:
        SetupError: If one can not be loaded.
    """
    if not sys.platform.startswith('linux'):
        return
    for name, debian, fedora in SHARED_LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError as error:
            raise SetupError(
                f'{name} is missing; opencv-python needs it ({error}).\n'
                f'Debian, Ubuntu: sudo apt-get install {debian}\nFedora: sudo dnf install {fedora}'
            ) from None


def find_compiler() -> str:
    """Return the command of a C++ compiler that runs: $CXX or c++.

    Raises:
        SetupError: If there is none.
    """
    compiler = os.environ.get('CXX', 'c++')
    try:
        subprocess.run([*compiler.split(), '--version'], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise SetupError(
            f'No C++ compiler: `{compiler}` does not run, and mmcv is built from source.\n'
            'Debian, Ubuntu: sudo apt-get install g++\nFedora: sudo dnf install gcc-c++\n'
            'or name one that is elsewhere: CC=gcc-12 CXX=g++-12 make demo'
        ) from None
    return compiler


def check_headers(include: str = sysconfig.get_paths()['include']) -> None:
    """Check that Python's C headers are in the folder `include`.

    Raises:
        SetupError: If Python.h is missing.
    """
    if not (Path(include) / 'Python.h').is_file():
        version = f'{sys.version_info.major}.{sys.version_info.minor}'
        raise SetupError(
            f'Python.h is not in {include}; mmcv is built against the C headers of Python.\n'
            f'Debian, Ubuntu: sudo apt-get install python{version}-dev\n'
            f'Fedora: sudo dnf install python{version}-devel'
        )
