"""The time and the memory of one network for its task."""

import ctypes
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from itertools import accumulate

import torch
from mmengine.device import get_device
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from .interleaved import seconds_of
from .networks import Cell, Form, build, make_inputs

AMP = dict(bf16=torch.bfloat16, float16=torch.float16)
MMAP_MAX, TRIM_THRESHOLD = -4, -1  # parameters of glibc's mallopt


class Task:
    """A network with its batch.

    Args:
        cell: The task.
        form: The network.
    """

    def __init__(self, cell: Cell, form: Form) -> None:
        self.cell = cell
        self.device = get_device()
        network = build(cell, form)
        self.network = network.to(self.device) if isinstance(network, nn.Module) else network
        self.inputs = make_inputs(cell, form).to(self.device)

    def step(self) -> None:
        """Run the task once."""
        dtype = AMP.get(self.cell.precision)
        cast = torch.autocast(self.device, dtype) if dtype else nullcontext()
        if self.cell.mode == 'inference':
            with torch.no_grad(), cast:
                self.network(self.inputs)
        else:
            with cast:
                out = self.network(self.inputs)
            # as large a gradient as any loss has
            sum(maps.float().mean() for maps in _tensors(out)).backward()
            self.network.zero_grad()

    def seconds(self) -> float:
        """Measure the time of one step."""
        return seconds_of(self.step)


def keep_memory() -> None:
    """Let the C library keep freed memory, so that it need not ask the system for it again.

    Otherwise, on a CPU, every large map costs page faults. On some virtual machines they take
    longer than the computation.
    """
    if sys.platform == 'linux':
        libc = ctypes.CDLL(None)
        libc.mallopt(MMAP_MAX, 0)
        libc.mallopt(TRIM_THRESHOLD, 2**31 - 1)


def peak_memory(task: Task) -> float:
    """Measure the peak memory of a step's tensors, beyond weights and inputs, in MiB.

    It includes gradients. On a CPU, it does not include memory that the convolution library keeps
    for itself.
    """
    task.step()
    if task.device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        task.step()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        task.step()
    events = sorted(profiler.profiler.kineto_results.events(), key=lambda event: event.start_ns())
    changes = [event.nbytes() for event in events if event.name() == '[memory]']
    return max(accumulate(changes)) / 2**20


def _tensors(out: Tensor | Iterable) -> list[Tensor]:
    return [out] if isinstance(out, Tensor) else [t for part in out for t in _tensors(part)]
