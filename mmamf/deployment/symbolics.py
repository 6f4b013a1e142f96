"""ONNX forms of operations that torch's exporter does not export right with dynamic sizes.

Without them, networks with attention would keep the example's number of tokens and padding.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from mmcv.cnn.bricks import transformer
from mmseg.models.backbones.swin import ShiftWindowMSA
from mmseg.models.utils import embed
from torch import Tensor
from torch.onnx import register_custom_op_symbolic, symbolic_helper, unregister_custom_op_symbolic


@contextmanager
def dynamic_sizes(opset: int) -> Iterator[None]:
    """Inside this context, let exports by tracing keep the sizes of these operations dynamic.

    Args:
        opset: Version of the ONNX operators, as given to ``torch.onnx.export``.
    """
    symbolics = {'unflatten': _unflatten, 'adaptive_avg_pool2d': _adaptive_avg_pool2d}
    with ExitStack() as stack:
        for name, symbolic in symbolics.items():
            register_custom_op_symbolic(f'aten::{name}', symbolic, opset)
            stack.callback(unregister_custom_op_symbolic, f'aten::{name}', opset)
        stack.enter_context(patch.object(ShiftWindowMSA, 'window_reverse', _window_reverse))
        for module in (transformer, embed):
            padding = module.AdaptivePadding
            stack.enter_context(patch.object(padding, 'get_pad_shape', _get_pad_shape))
        yield


@symbolic_helper.parse_args('v', 'i', 'v')
def _unflatten(g, x, dim: int, sizes):
    """Reshape. After torch's own form, the exporter does not know the rank, and fixes all sizes."""
    rank = symbolic_helper._get_tensor_rank(x)
    dim %= rank
    shape = g.op('Shape', x)
    kept = [g.op('Gather', shape, _integers(g, [axis])) for axis in range(rank)]
    if symbolic_helper._is_packed_list(sizes):
        sizes = [g.op('Reshape', s, _integers(g, [1])) for s in symbolic_helper._unpack_list(sizes)]
    else:
        sizes = [sizes]
    new_shape = g.op('Concat', *kept[:dim], *sizes, *kept[dim + 1 :], axis_i=0)
    return g.op('Reshape', x, new_shape)


@symbolic_helper.parse_args('v', 'is')
def _adaptive_avg_pool2d(g, x, size: list[int]):
    """Multiply with weights of rows and columns. Torch's own form needs the size of the input."""
    if set(size) == {1}:
        return g.op('GlobalAveragePool', x)
    shape = g.op('Shape', x)
    rows, columns = (
        _pooling_weights(g, g.op('Gather', shape, _integers(g, axis)), bins, x)
        for axis, bins in zip((2, 3), size)
    )
    # (h, H) @ (N, C, H, W) @ (W, w)
    pooled = g.op('MatMul', g.op('MatMul', rows, x), g.op('Transpose', columns, perm_i=[1, 0]))
    rank = symbolic_helper._get_tensor_rank(x)
    return pooled if rank == 4 else g.op('Reshape', pooled, _integers(g, [0, 0, *size]))


def _pooling_weights(g, length, bins: int, like):
    """Compute the weight of each pixel of a line in each of torch's bins, (bins, length).

    Bin i starts at floor(i * length / bins) and ends before ceil((i + 1) * length / bins).
    """
    count = _integers(g, bins)
    begins = g.op('Div', g.op('Mul', _integers(g, [[i] for i in range(bins)]), length), count)
    ends = g.op('Mul', _integers(g, [[i + 1] for i in range(bins)]), length)
    ends = g.op('Div', g.op('Add', ends, _integers(g, bins - 1)), count)
    pixels = g.op('Range', _integers(g, 0), length, _integers(g, 1))
    outside = g.op('Or', g.op('Less', pixels, begins), g.op('Not', g.op('Less', pixels, ends)))
    weights, sizes = (
        g.op('CastLike', part, like) for part in (g.op('Not', outside), g.op('Sub', ends, begins))
    )
    return g.op('Div', weights, sizes)


def _integers(g, values):
    return g.op('Constant', value_t=torch.tensor(values))


def _window_reverse(self: ShiftWindowMSA, windows: Tensor, height: int, width: int) -> Tensor:
    """Join windows (N*h*w, s, s, C) to maps (N, H, W, C). mmseg's own function fixes N."""
    side = self.window_size
    x = windows.view(-1, height // side, width // side, side, side, windows.shape[-1])
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, windows.shape[-1])


def _get_pad_shape(self: embed.AdaptivePadding, shape: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Compute the padding of height and width by a formula. OpenMMLab's own function fixes both."""
    pads = []
    for size, kernel, stride, dilation in zip(shape, self.kernel_size, self.stride, self.dilation):
        covered = (size + stride - 1) // stride * stride - stride + (kernel - 1) * dilation + 1
        pads.append((covered - size) * (covered > size))
    return tuple(pads)
