"""Adapt the first kernel of a checkpoint, mostly for RGB, to other numbers of channels."""

import torch
from torch import Tensor, nn

RGB = 3


def average_kernel(kernel: Tensor, channels: int) -> Tensor:
    """Make a kernel for channels that are not RGB: each gets the mean over the old channels.

    The sum over the channels stays the same, and with it the response to a gray, uniform image.

    Args:
        kernel: The kernel of the checkpoint. If it has ``channels`` already, it is returned
            unchanged.
        channels: Number of channels of the new kernel.

    Shape:
        - kernel: (C_out, C_old, h, w).
        - Output: (C_out, channels, h, w).
    """
    old = kernel.shape[1]
    if old == channels:
        return kernel
    mean = kernel.mean(dim=1, keepdim=True) * (old / channels)
    return mean.repeat(1, channels, *(1,) * (kernel.ndim - 2))


def tile_kernel(kernel: Tensor, channels: int) -> Tensor:
    """Make a kernel for an RGB image that is tiled to more channels: R, G, B, R, ...

    The copies of a channel share its weights, so the response to the image stays the same. For
    fewer channels, the kernel is averaged as in :func:`average_kernel`.

    Args:
        kernel: The kernel of the checkpoint.
        channels: Number of channels of the new kernel.

    Shape:
        - kernel: (C_out, C_old, h, w).
        - Output: (C_out, channels, h, w).
    """
    old = kernel.shape[1]
    if channels <= old:
        return average_kernel(kernel, channels)
    source = torch.arange(channels, device=kernel.device) % old
    copies = source.bincount().to(kernel.dtype)[source]
    return kernel[:, source] / copies.view(-1, *(1,) * (kernel.ndim - 2))


def accept_rgb(conv: nn.Conv2d) -> None:
    """Let a first convolution load the kernel of an RGB network, whatever its input channels.

    Args:
        conv: The convolution.
    """
    if conv.in_channels != RGB and conv.groups == 1:
        conv._register_load_state_dict_pre_hook(_tile, with_module=True)


def _tile(conv: nn.Conv2d, state_dict: dict, prefix: str, *args) -> None:
    kernel = state_dict.get(f'{prefix}weight')
    if kernel is not None and kernel.ndim == 4 and kernel.shape[1] == RGB:
        state_dict[f'{prefix}weight'] = tile_kernel(kernel, conv.in_channels)
