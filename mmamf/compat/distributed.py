"""Distributed training on CPUs."""

import atexit
import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import Any

import torch

from .wrap import wrap


def distribute_on_cpu() -> None:
    """Let mmengine's launchers and its data parallel wrapper run without a GPU, with gloo.

    mmengine/dist/utils.py:130 (_init_dist_pytorch) and :221 (_init_dist_slurm) call
    `torch.cuda.set_device`, and take the backend, nccl, from the config.
    mmengine/runner/runner.py:900 (wrap_model) passes `device_ids=[LOCAL_RANK]`, which
    DistributedDataParallel accepts only for GPUs. None of them destroys the process group. If a
    gloo thread then releases a tensor while the interpreter ends, it aborts the process (`terminate
    called without an active exception`, pytorch/pytorch#179291). A launch without a GPU also gets
    :func:`synchronize_batch_norm_on_cpu`. With a GPU, all of these functions run unchanged.
    """
    from mmengine.device import get_device
    from mmengine.dist import utils
    from mmengine.model import MMDistributedDataParallel

    def gloo_on_cpu(initialize: Callable, backend: str, *args: Any, **kwargs: Any) -> None:
        if get_device() != 'cpu':
            return initialize(backend, *args, **kwargs)
        with _without_set_device():
            initialize('gloo', *args, **kwargs)
        synchronize_batch_norm_on_cpu()
        atexit.register(_destroy_process_group)

    def no_device_ids_on_cpu(
        construct: Callable, self: Any, module: Any, *args: Any, **kwargs: Any
    ) -> None:
        if all(parameter.device.type == 'cpu' for parameter in module.parameters()):
            kwargs['device_ids'] = None
        construct(self, module, *args, **kwargs)

    wrap(utils, '_init_dist_pytorch', gloo_on_cpu)
    wrap(utils, '_init_dist_slurm', gloo_on_cpu)
    wrap(MMDistributedDataParallel, '__init__', no_device_ids_on_cpu)


@contextlib.contextmanager
def _without_set_device() -> Iterator[None]:
    original = torch.cuda.set_device
    torch.cuda.set_device = lambda device: None
    try:
        yield
    finally:
        torch.cuda.set_device = original


def _destroy_process_group() -> None:
    if torch.distributed.is_initialized():
        gc.collect()  # a model in a reference cycle also holds the group
        torch.distributed.destroy_process_group()


def synchronize_batch_norm_on_cpu() -> None:
    """Let torch's SyncBatchNorm train on a CPU.

    torch/nn/modules/batchnorm.py:790 (SyncBatchNorm.forward) refuses tensors that are not on a GPU.
    torch/nn/parallel/distributed.py:2453 refuses CPU models with such layers. But gloo can reduce
    CPU tensors, so here the layer uses differentiable all-reduces and gives the same results. In
    half precision, the statistics are computed in float32. On a GPU, in evaluation and in a single
    process, torch's own code runs. This changes torch for the whole process, so only a launch
    without a GPU does it.
    """

    def forward(
        original: Callable, self: torch.nn.SyncBatchNorm, input: torch.Tensor
    ) -> torch.Tensor:
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        if input.device.type != 'cpu' or not self.training or not distributed:
            return original(self, input)
        dims = [0, *range(2, input.dim())]
        shape = [1, -1] + [1] * (input.dim() - 2)
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        count = x.new_tensor(x.numel() / x.size(1))
        torch.distributed.all_reduce(count, group=self.process_group)
        mean = _AllReduce.apply(x.sum(dims), self.process_group) / count
        centered = x - mean.view(shape)
        var = _AllReduce.apply(centered.square().sum(dims), self.process_group) / count
        if self.track_running_stats:
            with torch.no_grad():
                self.num_batches_tracked += 1
                cumulative = 1 / float(self.num_batches_tracked)
                momentum = cumulative if self.momentum is None else self.momentum
                self.running_mean.lerp_(mean, momentum)
                self.running_var.lerp_(var * count / (count - 1), momentum)
        output = centered * (var + self.eps).rsqrt().view(shape)
        if self.affine:
            output = output * self.weight.view(shape) + self.bias.view(shape)
        return output.to(input.dtype)

    def skip_on_cpu(check_device: Callable, self: Any, module: torch.nn.Module) -> None:
        if self.device_type != 'cpu':
            check_device(self, module)

    parallel = torch.nn.parallel.DistributedDataParallel
    wrap(torch.nn.SyncBatchNorm, 'forward', forward)
    wrap(parallel, '_passing_sync_batchnorm_handle', skip_on_cpu)


class _AllReduce(torch.autograd.Function):
    """Differentiable sum over processes. Its gradient is the sum of the processes' gradients.

    torch.distributed.nn.functional.all_reduce does the same, but torch 2.13 deprecates it and names
    a private successor.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, group: Any) -> torch.Tensor:
        ctx.group = group
        x = x.clone()
        torch.distributed.all_reduce(x, group=group)
        return x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        grad = grad.contiguous().clone()
        torch.distributed.all_reduce(grad, group=ctx.group)
        return grad, None
