"""Batch normalization of folded, channels-last maps with parameters for every modality."""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from ..modality_axis import is_channels_last, separate_modalities

_SMALL = 1_000_000  # values of a batch; in training, copies of smaller ones take less time


def fits_channels_last(x: Tensor, norm: nn.Module) -> bool:
    """Tell whether :func:`batch_norm_channels_last` is for these maps and this layer.

    It is for a CPU, and for float32: on others, nobody has measured it yet.
    """
    return (
        is_channels_last(x)
        and x.device.type == 'cpu'
        and x.dtype == torch.float32
        and type(norm) is nn.BatchNorm2d  # SyncBN talks to other processes
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
        and (not norm.training or x.numel() >= _SMALL)
        and not (torch.compiler.is_compiling() or torch.jit.is_tracing())
    )


def batch_norm_channels_last(x: Tensor, norm: nn.BatchNorm2d, num_modalities: int) -> Tensor:
    """Normalize maps where they lie, as the layer over M*C channels would after unfolding them.

    In channels-last memory, unfolding is a copy to another layout, and folding a copy back. Here
    torch's kernels run on one map after the other, which each are contiguous; their statistics and
    the sums for the gradient are put together afterwards.

    Args:
        x: The maps.
        norm: Layer over M*C channels. Its running statistics are updated in training.
        num_modalities: Number of modalities M.

    Shape:
        - Input and output: folded maps (N*M, C, H, W), channels last.
    """
    if norm.training:
        mean, var = _statistics(x.detach(), num_modalities)
        _update(norm, mean, var, x.numel() // mean.numel())
    else:
        # a copy, as an update before backward must not change the gradient
        mean, var = norm.running_mean.clone(), norm.running_var
    invstd = (var + norm.eps).rsqrt()
    return _Normalize.apply(x, norm.weight, norm.bias, mean, invstd, num_modalities, norm.training)


@torch.no_grad()
def _statistics(x: Tensor, num_modalities: int) -> tuple[Tensor, Tensor]:
    """Compute mean and variance, (M*C,), from those of every map."""
    maps = [torch.batch_norm_update_stats(single, None, None, 0.0) for single in x.split(1)]
    means, variances = (
        separate_modalities(torch.stack(values), num_modalities).flatten(1) for values in zip(*maps)
    )
    mean = means.mean(0)
    # torch's own var is slow along the first axis
    return mean, (variances + (means - mean).square_()).mean(0)


@torch.no_grad()
def _update(norm: nn.BatchNorm2d, mean: Tensor, var: Tensor, count: int) -> None:
    norm.num_batches_tracked.add_(1)
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(var * (count / (count - 1)), norm.momentum)


class _Normalize(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        invstd: Tensor,
        num_modalities: int,
        training: bool,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, invstd)
        ctx.num_modalities, ctx.training = num_modalities, training
        scale = weight * invstd
        return _scale_and_add(x, scale, bias - mean * scale, num_modalities)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple:
        x, weight, mean, invstd = ctx.saved_tensors
        m, needs = ctx.num_modalities, ctx.needs_input_grad
        grad = grad.contiguous(memory_format=torch.channels_last)
        weight_grad = bias_grad = x_grad = None
        if needs[1] or needs[2] or ctx.training:
            weight_grad, bias_grad = _sums(grad, x, mean, invstd, m)
        if needs[0]:
            scale = weight * invstd
            if ctx.training:
                count = x.numel() // mean.numel()
                slope = -scale * invstd * weight_grad / count
                x_grad = _scale_and_add(x, slope, -scale * bias_grad / count - slope * mean, m)
                maps = separate_modalities(x_grad, m)
                maps.addcmul_(separate_modalities(grad, m), _as_maps(scale, m))
            else:
                x_grad = _scale_and_add(grad, scale, torch.zeros_like(scale), m)
        return x_grad, weight_grad, bias_grad, None, None, None, None


def _sums(
    grad: Tensor, x: Tensor, mean: Tensor, invstd: Tensor, num_modalities: int
) -> tuple[Tensor, Tensor]:
    """Sum gradient x normalized map, and the gradient, over samples and pixels; (M*C,) both."""
    means, invstds = mean.chunk(num_modalities), invstd.chunk(num_modalities)
    sums = []
    for index, (single_grad, single) in enumerate(zip(grad.split(1), x.split(1), strict=True)):
        statistics = means[index % num_modalities], invstds[index % num_modalities]
        _, *pair = torch.ops.aten.native_batch_norm_backward(
            single_grad, single, None, None, None, *statistics, True, 0.0, [False, True, True]
        )
        sums.append(torch.stack(pair))
    total = separate_modalities(torch.stack(sums), num_modalities).sum(0)  # (M, 2, C)
    return total[:, 0].flatten(), total[:, 1].flatten()


def _scale_and_add(x: Tensor, scale: Tensor, shift: Tensor, num_modalities: int) -> Tensor:
    """Compute x * scale + shift in one pass, in the layout of x; scale and shift are (M*C,)."""
    out = torch.empty_like(x)
    torch.addcmul(
        _as_maps(shift, num_modalities),
        separate_modalities(x, num_modalities),
        _as_maps(scale, num_modalities),
        out=separate_modalities(out, num_modalities),
    )
    return out


def _as_maps(values: Tensor, num_modalities: int) -> Tensor:
    return values.view(num_modalities, -1, 1, 1)  # (M*C,) -> (M, C, 1, 1)
