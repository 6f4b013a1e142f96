"""Names and checks for the outputs of the modalities and of the ensemble, their weighted sum."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

ENSEMBLE = 'ensemble'  # its name as a source of outputs, as modalities have theirs
LEFT_OUT = 'left_out'  # key of the modalities of a sample that the guard has left out
PROBABILITIES = 'probabilities'  # key of a sample's probabilities beside its label maps


def metric_key(source: str, metric: str) -> str:
    """Name a scalar of a test: ``mIoU`` for the ensemble, ``rgb/mIoU`` for a modality."""
    return metric if source == ENSEMBLE else f'{source}/{metric}'


def output_keys(sample: Mapping, key: str) -> dict[str, str]:
    """Map the ensemble and each modality to the key of its output in a sample.

    Args:
        sample: A data sample as a dict. Its ``modalities`` give the order.
        key: Key of the ensemble's output. The key of a modality's output is ``<key>_<modality>``.
    """
    found = {k.removeprefix(f'{key}_') for k in sample if k.startswith(f'{key}_')}
    ordered = [name for name in sample.get('modalities', ()) if name in found]
    names = ordered + sorted(found.difference(ordered))
    return {ENSEMBLE: key} | {name: f'{key}_{name}' for name in names}


def modality_names(metainfo: Mapping, num_modalities: int) -> tuple[str, ...]:
    """Read the names of the modalities from a sample; if it has none, number them.

    Args:
        metainfo: The sample's ``metainfo``.
        num_modalities: Number of modalities of the model.

    Raises:
        ValueError: If the sample has another number of names, or one is the ensemble's name.
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

    mmengine minimizes the sum of all entries with "loss" in their names. An accuracy must not be
    among them, so the accuracy of a modality ``gloss`` is called ``gLOSS.acc_seg``.

    Args:
        losses: Losses and accuracies of one source.
        source: The modality, or the ensemble.
    """
    hidden = source.replace('loss', 'LOSS')
    return {f'{source if "loss" in key else hidden}.{key}': v for key, v in losses.items()}


def check_alpha(state_dict: Mapping[str, Tensor], key: str, alpha: Tensor) -> None:
    """Refuse a checkpoint whose ensemble has another number of modalities.

    mmengine's loader would only log that the sizes differ.

    Args:
        state_dict: The checkpoint.
        key: Key of the ensemble's weights in the checkpoint.
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


def class_probabilities(logits: Tensor) -> Tensor:
    """Turn ``seg_logits`` of a predicted sample into probabilities of the classes.

    Args:
        logits: Logits of K classes. For a head with one output for two classes, mmseg's segmentors
            keep the probability of the second class here.

    Shape:
        - logits: (K, H, W), or (1, H, W) for two classes.
        - Output: (K, H, W).
    """
    if len(logits) == 1:
        return torch.cat([1 - logits, logits])
    return logits.softmax(0)
