"""Builds mmcv with its C++ ops against the torch of .venv, and keeps the wheel in the user's cache.

Run as a script by the Python of .venv: `mmcv_wheel.py REQUIREMENT OUT_FOLDER OPS CONSTRAINTS`.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

# -O2 must be named: CFLAGS replaces Python's own flags. -g0: debug information makes the build
# three times as long and the library ten times as large. -w: warnings are about torch's headers.
FLAGS = '-O2 -g0 -DNDEBUG -w'
MEMORY_PER_JOB = 1.5 * 2**30
# Run by the Python of .venv; prints what ops can be built for: 'cpu', or CUDA version and GPU.
# torch refuses to build with a toolkit of another major version.
PROBE = """
import re, shutil, subprocess, torch
from torch.utils.cpp_extension import CUDA_HOME
ops = 'cpu'
if torch.cuda.is_available() and CUDA_HOME and torch.version.cuda:
    nvcc = shutil.which('nvcc', path=CUDA_HOME + '/bin')
    text = subprocess.getoutput(nvcc + ' --version') if nvcc else ''
    release = re.search(r'release (\\d+)\\.', text)
    if release and release[1] == torch.version.cuda.split('.')[0]:
        ops = 'cuda%s-sm%d%d' % (torch.version.cuda, *torch.cuda.get_device_capability())
print('ops=' + ops)
"""


def cache_folder(variables: Mapping[str, str]) -> Path:
    """Return the folder of the built wheels: mmamf/wheels in $XDG_CACHE_HOME or ~/.cache."""
    root = variables.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(root) / 'mmamf' / 'wheels'


def wheel_key(mmcv: str, torch_build: str, ops: str) -> str:
    """Return the name under which a wheel is kept: all that a compiled mmcv depends on.

    Args:
        mmcv: Version of mmcv.
        torch_build: `torch.__version__`, with its local part (2.13.0+cpu).
        ops: 'cpu', or CUDA version and GPU architecture, as PROBE prints it.
    """
    python = f'cp{sys.version_info.major}{sys.version_info.minor}'
    return f'mmcv-{mmcv}_torch-{torch_build}_{python}_{sysconfig.get_platform()}_{ops}'


def find_wheel(folder: Path) -> Path | None:
    """Return the wheel in a folder of the cache, None if there is none."""
    return next(iter(sorted(folder.glob('mmcv-*.whl'))), None)


def store_wheel(wheel: Path, folder: Path) -> Path:
    """Copy a wheel into the cache; a reader sees the whole file or none."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f'.{wheel.name}.{os.getpid()}'
    shutil.copyfile(wheel, scratch)
    return scratch.replace(folder / wheel.name)


def job_count(variables: Mapping[str, str]) -> int:
    """Return how many compilers may run: MAX_JOBS, or what cores and memory allow."""
    if variables.get('MAX_JOBS'):
        return int(variables['MAX_JOBS'])
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return max(1, min(cores, int(memory / MEMORY_PER_JOB)))


def precompile_torch_header(folder: Path) -> str:
    """Compile torch's main header once, for GCC; all of mmcv's files begin with it.

    GCC takes the compiled header only where the flags agree and reads the text otherwise, so a
    mismatch costs time and never correctness. One of mmcv's 77 files then takes 2 s instead of 8.

    Returns:
        The flag that uses it, or nothing if it can not be used.
    """
    compiler = os.environ.get('CXX', 'c++').split()
    version = subprocess.run([*compiler, '--version'], capture_output=True, text=True).stdout
    if 'Free Software Foundation' not in version:
        return ''
    include = Path(importlib.util.find_spec('torch').origin).parent / 'include'
    header = folder / 'torch_types.hpp'
    header.write_text('#include <torch/types.h>\n')
    command = [*compiler, '-x', 'c++-header', str(header), '-o', f'{header}.gch', *FLAGS.split()]
    command += ['-fPIC', '-std=c++17', f'-I{include}', f'-I{include}/torch/csrc/api/include']
    print('$', *command, flush=True)
    return f' -include {header}' if subprocess.run(command).returncode == 0 else ''


def main(requirement: str, out: Path, ops: str, constraints: str) -> int:
    """Build the wheel into the folder `out`."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    flags = FLAGS + precompile_torch_header(out)
    variables = {**os.environ, 'MMCV_WITH_OPS': '1', 'CFLAGS': flags, 'CXXFLAGS': flags}
    variables.update(MAX_JOBS=str(job_count(os.environ)), FORCE_CUDA='0' if ops == 'cpu' else '1')
    if ops == 'cpu':  # mmcv's setup.py builds for CUDA whenever it sees a GPU
        variables['CUDA_VISIBLE_DEVICES'] = ''
    # no-cache-dir: pip would keep the wheel by mmcv's version alone, whatever the torch
    options = '--disable-pip-version-check wheel -v --no-input --no-cache-dir --no-build-isolation'
    command = [sys.executable, '-m', 'pip', *options.split(), '--no-deps', '--no-binary', 'mmcv']
    command += ['-c', constraints, '-w', str(out), requirement]
    print('$', *command, flush=True)
    return subprocess.run(command, env=variables).returncode


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
