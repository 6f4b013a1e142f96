"""Builds mmcv with its C++ ops for the torch of .venv, and keeps the wheel in the user's cache.

The Python of .venv runs it as a script: `mmcv_wheel.py REQUIREMENT OUT_FOLDER OPS CONSTRAINTS`.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

# CFLAGS replaces Python's own flags, so -O2 must be named. -g0: debug information makes the build
# three times as long and the library ten times as large. -w: the warnings are about torch's
# headers.
FLAGS = '-O2 -g0 -DNDEBUG -w'
MEMORY_PER_JOB = 1.5 * 2**30
# The Python of .venv runs it. It prints the target for the ops: 'cpu', or CUDA version and GPU.
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
    """Return the name of a wheel's folder, from everything that a compiled mmcv depends on.

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
    """Copy a wheel into the cache; the file appears complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f'.{wheel.name}.{os.getpid()}'
    shutil.copyfile(wheel, scratch)
    return scratch.replace(folder / wheel.name)


def job_count(variables: Mapping[str, str]) -> int:
    """Return the number of compilers to run at once: MAX_JOBS, or what cores and memory allow."""
    if variables.get('MAX_JOBS'):
        return int(variables['MAX_JOBS'])
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return max(1, min(cores, int(memory / MEMORY_PER_JOB)))


def precompile_torch_header(folder: Path) -> str:
    """Compile torch's main header once, for GCC; all of mmcv's files include it first.

    GCC uses the compiled header only if the flags agree; otherwise it reads the text. So a mismatch
    costs only time. With it, one of mmcv's 77 files takes 2 s instead of 8.

    Returns:
        The flag that makes GCC use it, or an empty string if this is not possible.
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
    if ops == 'cpu':  # mmcv's setup.py builds for CUDA if it sees a GPU
        variables['CUDA_VISIBLE_DEVICES'] = ''
    # no-cache-dir: pip's cache would find the wheel by mmcv's version alone, for any torch
    options = '--disable-pip-version-check wheel -v --no-input --no-cache-dir --no-build-isolation'
    command = [sys.executable, '-m', 'pip', *options.split(), '--no-deps', '--no-binary', 'mmcv']
    command += ['-c', constraints, '-w', str(out), requirement]
    print('$', *command, flush=True)
    return subprocess.run(command, env=variables).returncode


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
