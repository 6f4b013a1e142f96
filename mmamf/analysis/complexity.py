"""Parameters and multiply-adds of a model."""

from typing import NamedTuple

import torch
from mmengine.analysis import parameter_count
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


class Complexity(NamedTuple):
    """Number of parameters and of multiply-adds.

    Args:
        parameters: Number of learned values. A weight that several modalities share counts once.
        gmacs: Multiply-adds in 10^9 of all convolutions and matrix products in a forward pass. A
            shared weight counts every time that it is used.
    """

    parameters: int
    gmacs: float


def complexity(model: nn.Module, inputs: Tensor) -> Complexity:
    """Count the parameters of a model, and the multiply-adds of its forward pass.

    torch counts the multiply-adds, so the model may be on the meta device, where the pass costs
    neither time nor memory. mmengine's counter gives the same numbers, but it traces the model,
    which does not work there. Norms, activations, pooling, resizing and additions do not count.
    Parameters that the pass does not use, such as those of an auxiliary head, count too; see
    :func:`complexity_of_parts`.

    Args:
        model: The model, on any device. It is in evaluation mode for the pass.
        inputs: The input of its forward, which follows the data preprocessor if there is one. The
            multiply-adds are those of the whole batch.

    Shape:
        - inputs: (N, M*C, H, W).
    """
    return Complexity(parameter_count(model)[''], _count_macs(model, inputs)[''] / 1e9)


def complexity_of_parts(model: nn.Module, inputs: Tensor) -> dict[str, Complexity]:
    """Count parameters and multiply-adds of every child of a model that has parameters.

    Args:
        model: As in :func:`complexity`.
        inputs: As in :func:`complexity`.
    """
    macs, parameters = _count_macs(model, inputs), parameter_count(model)
    return {
        name: Complexity(parameters[name], _sum_outermost(macs, name) / 1e9)
        for name, _ in model.named_children()
        if parameters[name]
    }


def _count_macs(model: nn.Module, inputs: Tensor) -> dict[str, int]:
    """Count the multiply-adds of every module that was called; '' stands for the model."""
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(inputs)
    finally:
        for module, mode in modes.items():
            module.training = mode
    # torch counts two operations per multiply-add; names begin with the class of the model
    macs = {name: sum(ops.values()) // 2 for name, ops in counter.get_flop_counts().items()}
    total = {'': macs.pop('Global', 0)}
    return total | {name.partition('.')[2]: count for name, count in macs.items() if '.' in name}


def _sum_outermost(macs: dict[str, int], part: str) -> int:
    """Sum the multiply-adds of a part, or of its children if they were called directly."""
    inside = [name for name in macs if f'{name}.'.startswith(f'{part}.')]
    return sum(
        macs[name]
        for name in inside
        if not any(name.startswith(f'{other}.') for other in inside if other != name)
    )
