"""The modality axis: stacked along channels outside a network, folded into the batch inside.

Both forms are the same memory: sample-major, (N, M*C, H, W) and (N*M, C, H, W) differ in their
shape alone, so going from one to the other is a view of a contiguous tensor.
"""

from torch import Tensor


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
    return x.reshape(n * num_modalities, channels // num_modalities, *x.shape[2:])


def unfold_modalities(x: Tensor, num_modalities: int) -> Tensor:
    """Move the modalities from the batch back into the channels.

    Shape:
        - Input: (N*M, C, ...).
        - Output: (N, M*C, ...).

    Raises:
        ValueError: If the batch cannot be divided among the modalities.
    """
    batch, channels = x.shape[:2]
    if batch % num_modalities:
        raise ValueError(
            f'a folded batch of {batch} maps does not hold {num_modalities} modalities per sample: '
            f'expected a multiple of {num_modalities}, got an input of shape {tuple(x.shape)}'
        )
    return x.reshape(batch // num_modalities, num_modalities * channels, *x.shape[2:])
