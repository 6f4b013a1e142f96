"""First convolutions for other numbers of channels than those of a checkpoint, RGB mostly."""

import torch
from torch import Tensor, nn

RGB = 3


def average_kernel(kernel: Tensor, channels: int) -> Tensor:
    """Make a kernel for channels that are no RGB: every one gets the mean of the old channels.

    It is scaled so that the response to a constant image, equal in all channels, stays.

    Args:
        kernel: The kernel of the checkpoint; for as many channels, it is returned as it is.
        channels: Number of channels that are wanted.

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
    """Make a kernel for more channels, of which an image of RGB is tiled to R, G, B, R, ...

    The weights of a channel are divided among its copies, so such an image gives the response that
    it gave before. For fewer channels, they are averaged as by :func:`average_kernel`.

    Args:
        kernel: The kernel of the checkpoint.
        channels: Number of channels that are wanted.

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
    """Let a first convolution for other than 3 channels load the kernel of one for RGB.

    Args:
        conv: The convolution.
    """
    if conv.in_channels != RGB and conv.groups == 1:
        conv._register_load_state_dict_pre_hook(_tile, with_module=True)


def _tile(conv: nn.Conv2d, state_dict: dict, prefix: str, *args) -> None:
    kernel = state_dict.get(f'{prefix}weight')
    if kernel is not None and kernel.ndim == 4 and kernel.shape[1] == RGB:
        state_dict[f'{prefix}weight'] = tile_kernel(kernel, conv.in_channels)
