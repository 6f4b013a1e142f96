"""The modality axis: stacked along channels outside a network, folded into the batch inside.

Contiguous memory is the same in both forms, (N, M*C, H, W) and (N*M, C, H, W): each is a view of
the other. In channels-last memory, the change is a copy, which stays channels last. There, only
(N, M, C, H, W), with an axis for the modalities, is a view of the folded form.
"""

import torch
from torch import Tensor

from .tracing import as_one_step, in_torch_func


@as_one_step
def fold_modalities(x: Tensor, num_modalities: int) -> Tensor:
    """Move the modalities from the channels into the batch.

    Shape:
        - Input: (N, M*C, ...).
        - Output: (N*M, C, ...).

    Raises:
        ValueError: If the channels cannot be divided among the modalities.
    """
    n, channels = x.shape[:2]
    if channels % num_modalities:
        raise ValueError(
            f'cannot fold {channels} channels into {num_modalities} modalities: '
            f'expected a multiple of {num_modalities}, got an input of shape {tuple(x.shape)}'
        )
    if is_channels_last(x):
        x = x.permute(0, 2, 3, 1).unflatten(3, (num_modalities, channels // num_modalities))
        x = x.permute(0, 3, 1, 2, 4).flatten(0, 1).permute(0, 3, 1, 2)
        return x.contiguous(memory_format=torch.channels_last)  # no copy for a single sample
    return x.reshape(n * num_modalities, channels // num_modalities, *x.shape[2:])


@as_one_step
def unfold_modalities(x: Tensor, num_modalities: int) -> Tensor:
    """Move the modalities from the batch back into the channels.

    Shape:
        - Input: (N*M, C, ...).
        - Output: (N, M*C, ...).

    Raises:
        ValueError: If the batch cannot be divided among the modalities.
    """
    _check_batch(x, num_modalities)
    batch, channels = x.shape[:2]
    if is_channels_last(x):
        x = separate_modalities(x.permute(0, 2, 3, 1), num_modalities)
        return x.permute(0, 2, 3, 1, 4).flatten(3, 4).permute(0, 3, 1, 2)
    return x.reshape(batch // num_modalities, num_modalities * channels, *x.shape[2:])


@as_one_step
def separate_modalities(x: Tensor, num_modalities: int) -> Tensor:
    """Unfold the modalities into an axis of their own, as a view in any memory layout.

    Shape:
        - Input: (N*M, C, ...).
        - Output: (N, M, C, ...).

    Raises:
        ValueError: If the batch cannot be divided among the modalities.
    """
    _check_batch(x, num_modalities)
    return x.unflatten(0, (x.shape[0] // num_modalities, num_modalities))


@as_one_step
def check_channels(x: Tensor, num_modalities: int, channels: int) -> Tensor:
    """Return the input of a network if each modality has the expected number of channels.

    Shape:
        - Input and output: (N, M*C, H, W).

    Raises:
        ValueError: If the input has another number of channels.
    """
    expected = num_modalities * channels
    if x.shape[1] != expected:
        raise ValueError(
            f'expected {expected} input channels ({num_modalities} modalities x {channels}), '
            f'got an input of shape {tuple(x.shape)}'
        )
    return x


def is_channels_last(x: Tensor) -> bool:
    """Tell whether maps are stored channels last; False if they are contiguous as well."""
    if x.is_contiguous() or in_torch_func(x):  # torch.func.vmap does not know the layout
        return False
    return x.is_contiguous(memory_format=torch.channels_last)


def _check_batch(x: Tensor, num_modalities: int) -> None:
    if x.shape[0] % num_modalities:
        raise ValueError(
            f'a folded batch of {x.shape[0]} maps does not hold {num_modalities} modalities per '
            f'sample: expected a multiple of {num_modalities}, got an input of shape '
            f'{tuple(x.shape)}'
        )
