"""The machine on which a training will run."""

from dataclasses import dataclass


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
