import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from .tracing import is_eager


class FastMaxPool2d(nn.MaxPool2d):
    """Max pooling that is faster on a CPU, because it pools in channels-last memory.

    Torch pools channels-last maps several times faster, which more than pays for the copies.
    Results and gradients are equal to the last bit. It keeps the same tensors for the gradient as
    torch does. Four kinds of input take torch's usual way: maps on other devices, maps that are
    channels-last already, traced or compiled ones, and those inside torch.func.

    Args:
        kernel_size: Side of the window in px.
        stride: Step from window to window in px; by default ``kernel_size``.
        padding: Width of the border in px.

    Shape:
        - Input: (N, C, H, W).
        - Output: (N, C, h, w), contiguous if the input is.
    """

    def __init__(self, kernel_size: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__(kernel_size, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        """Pool, in the layout of the input."""
        usual = is_eager(x) and x.device.type == 'cpu' and x.ndim == 4 and x.is_contiguous()
        if not usual or not x.numel():
            return super().forward(x)
        return _Pool.apply(x, self.kernel_size, self.stride, self.padding)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, *sizes: int) -> Tensor:
        outs, indices = [], []
        for single in x.split(1):  # so that the copies stay small
            last = single.contiguous(memory_format=torch.channels_last)
            out, index = F.max_pool2d(last, *sizes, return_indices=True)
            outs.append(out.contiguous())
            if ctx.needs_input_grad[0]:
                indices.append(index.contiguous())
        if ctx.needs_input_grad[0]:
            ctx.sizes = sizes
            ctx.save_for_backward(x, torch.cat(indices))
        return torch.cat(outs)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple:
        x, indices = ctx.saved_tensors
        sizes = [[size, size] for size in (*ctx.sizes, 1)]  # the last is the dilation
        grad = torch.ops.aten.max_pool2d_with_indices_backward(
            grad.contiguous(), x, *sizes, False, indices
        )
        return grad, None, None, None
