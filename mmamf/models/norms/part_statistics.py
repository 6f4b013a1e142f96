"""Running statistics of their own for samples that lack modalities.

Fusion changes maps. So the maps of a modality have other means and variances where the others are
absent, and a batch norm needs a second pair of running statistics for them. Scale and shift stay
the same. A norm keeps this pair as the buffers ``part_mean`` and ``part_var``.
"""

import torch
from torch import Tensor, nn

from ..modality_axis import fold_modalities, unfold_modalities

PART_STATISTICS = {'part_mean': 'running_mean', 'part_var': 'running_var'}


def has_part_statistics(norm: nn.Module) -> bool:
    """Tell whether samples that lack modalities have statistics of their own."""
    return 'part_mean' in norm._buffers


def keep_part_statistics(norm: nn.Module) -> None:
    """Add the second pair of statistics to a private norm; it starts as a copy of the first.

    A norm without running statistics stays as it is.
    """
    if getattr(norm, 'running_mean', None) is None or has_part_statistics(norm):
        return
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


def normalize_parts(norm: nn.Module, x: Tensor, presence: Tensor) -> Tensor:
    """Normalize complete samples by the first pair of statistics, and all others by the second.

    Args:
        norm: The private norm.
        x: Folded maps.
        presence: The mask of the present modalities, for every sample.

    Shape:
        - x: (N*M, C, H, W).
        - presence: (N, M).
        - Output: (N*M, C, H, W).
    """
    is_whole = presence.all(1)[:, None]
    scale, shift = (
        torch.where(is_whole, whole, part)[:, :, None, None]
        for whole, part in zip(scale_and_shift(norm), scale_and_shift(norm, *PART_STATISTICS))
    )
    maps = unfold_modalities(x, norm.num_modalities)
    return fold_modalities(torch.addcmul(shift, maps, scale), norm.num_modalities)


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
    return torch.addcmul(shift, x, scale)
