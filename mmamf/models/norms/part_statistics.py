"""Running statistics of their own for samples that lack modalities.

Fusion changes maps. So the maps of a modality have other means and variances where the others are
absent, and a batch norm needs a second pair of running statistics for them. Scale and shift stay
the same. A norm keeps this pair as the buffers ``part_mean`` and ``part_var``. Complete samples use
it, too, while modalities exchange within parts only (:func:`exchange_within`).
"""

import torch
from torch import Tensor, nn

PART_STATISTICS = {'part_mean': 'running_mean', 'part_var': 'running_var'}


def has_part_statistics(norm: nn.Module) -> bool:
    """Tell whether samples that lack modalities have statistics of their own."""
    return 'part_mean' in norm._buffers


def keep_part_statistics(norm: nn.Module) -> None:
    """Add the second pair of statistics to a private norm; it starts as a copy of the first.

    A norm without running statistics stays as it is.

    Raises:
        ValueError: If the norm averages over all batches, whose number it counts only once.
    """
    if getattr(norm, 'running_mean', None) is None or has_part_statistics(norm):
        return
    if norm.momentum is None:
        raise ValueError(
            f'{type(norm).__name__}: expected a number as momentum, because samples that lack '
            'modalities have statistics of their own, got None'
        )
    for name, source in PART_STATISTICS.items():
        norm.register_buffer(name, getattr(norm, source).clone())
    norm.private_entries = (*norm.private_entries, *PART_STATISTICS)


def fit_part_statistics(norm: nn.Module, state_dict: dict[str, Tensor], prefix: str) -> None:
    """Before a checkpoint is loaded, let norm and checkpoint both have the second pair, or neither.

    If only the checkpoint has it, the norm gets it. If only the norm has it, the checkpoint's first
    pair is loaded into both.
    """
    if f'{prefix}part_mean' in state_dict:
        keep_part_statistics(norm)
    elif has_part_statistics(norm):
        for name, source in PART_STATISTICS.items():
            if f'{prefix}{source}' in state_dict:
                state_dict[f'{prefix}{name}'] = state_dict[f'{prefix}{source}'].clone()


def scale_and_shift(norm: nn.Module, mean: str = 'running_mean', var: str = 'running_var') -> tuple:
    """Turn the parameters and a pair of statistics into one scale and one shift per channel.

    Args:
        norm: A batch or instance norm with running statistics.
        mean: Name of the means.
        var: Name of the variances.
    """
    scale = torch.rsqrt(getattr(norm, var) + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -getattr(norm, mean) * scale
    return scale, shift if norm.bias is None else shift + norm.bias


def normalize_rows(norm: nn.Module, x: Tensor, kept: Tensor, is_whole: Tensor | None) -> Tensor:
    """Normalize a batch from which maps were taken out, without putting them back.

    Args:
        norm: A private batch norm with running statistics.
        x: The maps; a map may have several rows.
        kept: Their places among N*M.
        is_whole: The samples that are normalized by the first pair of statistics; None for none.

    Shape:
        - x and output: (k * R, C, H, W).
        - kept: (R,).
        - is_whole: (N,), bool.
    """
    m = norm.num_modalities
    values = scale_and_shift(norm)
    if has_part_statistics(norm) and is_whole is None:
        values = scale_and_shift(norm, *PART_STATISTICS)
    scale, shift = (value.view(m, -1)[kept % m] for value in values)
    if has_part_statistics(norm) and is_whole is not None:
        parts = (v.view(m, -1)[kept % m] for v in scale_and_shift(norm, *PART_STATISTICS))
        rows = is_whole[kept // m][:, None]
        scale, shift = (torch.where(rows, *pair) for pair in zip((scale, shift), parts))
    k = x.shape[0] // len(kept)
    scale, shift = (v.repeat_interleave(k, dim=0)[:, :, None, None] for v in (scale, shift))
    return torch.addcmul(shift, x, scale).to(x.dtype)  # autocast keeps the dtype of a norm, too
