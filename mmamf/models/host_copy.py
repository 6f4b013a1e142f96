"""Copies that the host keeps of tensors on a device.

To read a tensor of a device, the host has to wait until the device has computed all it was given so
far, and then the device waits for the host. So the host sends small tensors without waiting, and
reads its own copy later.
"""

import torch
from torch import Tensor


def keep_on_host(tensor: Tensor, own: Tensor) -> None:
    """Note the host's copy on a tensor of any device; it is valid until somebody writes into it.

    Args:
        tensor: The tensor.
        own: A tensor on the CPU with the same values, of any type.
    """
    if not torch.compiler.is_compiling():
        tensor._on_host = (_version(tensor), own)


def send(own: Tensor, device: torch.device) -> Tensor:
    """Copy a small tensor of the host to a device without waiting; the host keeps its own."""
    sent = own.to(device, non_blocking=True)
    if sent is not own:
        keep_on_host(sent, own)
    return sent


def on_host(tensor: Tensor) -> Tensor:
    """Look up the host's copy of a tensor; if there is none, wait for one."""
    version, own = getattr(tensor, '_on_host', (None, None))
    return tensor.cpu() if own is None or version != _version(tensor) else own


def places(mask: Tensor, device: torch.device) -> Tensor:
    """List where a mask of the host, (N,), is true, as indices on a device.

    If a mask of a device is an index, the host waits for the number of its entries.
    """
    return mask.nonzero().squeeze(1).to(device, non_blocking=True)


def _version(tensor: Tensor) -> int | None:
    return None if tensor.is_inference() else tensor._version  # inference tensors have none
