"""What all tasks share about the modalities' outputs and their weighted sum, the ensemble."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

ENSEMBLE = 'ensemble'  # its name among the sources of outputs, beside those of the modalities


def metric_key(source: str, metric: str) -> str:
    """Name a scalar of a test: ``mIoU`` of the ensemble, ``rgb/mIoU`` of a modality."""
    return metric if source == ENSEMBLE else f'{source}/{metric}'


def modality_names(metainfo: Mapping, num_modalities: int) -> tuple[str, ...]:
    """Read the names of the modalities from a sample, or count them where it has none.

    Args:
        metainfo: The sample's ``metainfo``.
        num_modalities: Number of modalities of the model.

    Raises:
        ValueError: If the sample has another number of them, or one is called like the ensemble.
    """
    default = (f'modality{index}' for index in range(num_modalities))
    names = tuple(metainfo.get('modalities', default))
    if len(names) != num_modalities:
        raise ValueError(
            f'the model was built for {num_modalities} modalities, the samples have {len(names)}: '
            f'{names}'
        )
    if ENSEMBLE in names:
        raise ValueError(f'a modality cannot be named {ENSEMBLE!r}: rename it')
    return names


def name_losses(losses: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Put the name of a source before the names of its losses and accuracies.

    mmengine minimizes the sum of all entries with "loss" in their names. The name of an accuracy
    must not have it there, so that of the modality ``gloss`` is called ``gLOSS.acc_seg``.

    Args:
        losses: Losses and accuracies of one source.
        source: The modality, or the ensemble.
    """
    hidden = source.replace('loss', 'LOSS')
    return {f'{source if "loss" in key else hidden}.{key}': v for key, v in losses.items()}


def check_alpha(state_dict: Mapping[str, Tensor], key: str, alpha: Tensor) -> None:
    """Refuse a checkpoint with weights of another number of modalities.

    mmengine's loader would merely log a size that does not match.

    Args:
        state_dict: The checkpoint.
        key: Name of the weights there.
        alpha: The model's weights, (M,).

    Raises:
        ValueError: If the sizes differ.
    """
    found = state_dict.get(key)
    if found is not None and found.shape != alpha.shape:
        raise ValueError(
            f'{key}: expected the weights of {alpha.numel()} modalities, the checkpoint has '
            f'{found.numel()}'
        )
