"""What the converters of the authors' checkpoints share."""

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

StateDict = dict[str, Tensor]


def plain_state_dict(state: Mapping) -> StateDict:
    """Remove the prefix ``module.`` that DataParallel adds; refuse what is not a state dict."""
    if not all(isinstance(value, Tensor) for value in state.values()):
        others = [key for key, value in state.items() if not isinstance(value, Tensor)]
        raise ValueError(
            "expected a dict of tensors, or one with such a dict under the key 'segmenter', got a "
            f'dict in which these entries are no tensors: {others[:10]}'
        )
    return {re.sub(r'^module\.', '', key): value for key, value in state.items()}


def stack_private(state: StateDict, pattern: str, num_modalities: int) -> Tensor:
    """Stack the entries of all modalities; ``pattern`` has braces in place of the number.

    If the entry of a modality is missing, the stack is shorter than ours. Then
    :func:`check_entries` reports it as misshapen.
    """
    values = [state[key] for m in range(num_modalities) if (key := pattern.format(m)) in state]
    # a scalar is the number of training steps of a norm, which is the same for all modalities
    return values[0] if values[0].ndim == 0 else torch.cat(values)


def check_entries(
    converted: StateDict, expected: Mapping[str, torch.Size], unknown: Sequence[str]
) -> None:
    """Compare the converted entries with those of our network.

    Raises:
        ValueError: If they differ; the message lists missing, left-over and misshapen entries.
    """
    problems = [f'left over: {key}' for key in unknown]
    problems += [f'left over: {key}' for key in sorted(converted.keys() - expected.keys())]
    problems += [f'missing: {key}' for key in sorted(expected.keys() - converted.keys())]
    problems += [
        f'misshapen: {key}: expected {tuple(shape)}, got {tuple(converted[key].shape)}'
        for key, shape in expected.items()
        if key in converted and converted[key].shape != shape
    ]
    if problems:
        raise ValueError(
            f'the checkpoint does not fit, {len(problems)} entries differ from those of our '
            'network:\n  ' + '\n  '.join(problems)
        )
