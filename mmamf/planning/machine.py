"""The machine on which a training will run."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import torch

CGROUP = Path('/sys/fs/cgroup')  # limits of a container, version 2
GIB = 2**30


@dataclass(frozen=True)
class Machine:
    """What a training can use.

    Args:
        cpus: Number of CPUs for this process.
        memory_gib: Memory that is free, in GiB.
        gpu: Name of the GPU; '' if there is none.
        gpu_memory_gib: Memory of the GPU in GiB.
    """

    cpus: int
    memory_gib: float
    gpu: str = ''
    gpu_memory_gib: float = 0.0


def find_machine() -> Machine:
    """Look at the CPUs, the free memory and the first GPU that this process may use.

    CPUs are those of the process's affinity, at most the quota of its container. The memory of a
    GPU is what is free now.
    """
    gpu, gpu_memory = '', 0.0
    if torch.cuda.is_available():
        gpu, gpu_memory = torch.cuda.get_device_name(), torch.cuda.mem_get_info()[0] / GIB
    return Machine(_count_cpus(), _free_memory() / GIB, gpu, gpu_memory)


def _count_cpus() -> int:
    # macOS and Windows have no affinity
    has_affinity = hasattr(os, 'sched_getaffinity')
    cpus = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quota, period = (_read('cpu.max').split() + ['max', '1'])[:2]  # such as "150000 100000"
    return cpus if quota == 'max' else max(1, min(cpus, math.floor(int(quota) / int(period))))


def _free_memory() -> int:
    """Return the free memory in bytes."""
    lines = dict(line.split(':') for line in _lines(Path('/proc/meminfo')))
    free = int(lines['MemAvailable'].split()[0]) * 1024 if 'MemAvailable' in lines else 4 * GIB
    limit = _read('memory.max')
    if limit.isdigit():
        free = min(free, int(limit) - int(_read('memory.current') or 0))
    return max(free, 0)


def _read(name: str) -> str:
    return ' '.join(_lines(CGROUP / name))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []
