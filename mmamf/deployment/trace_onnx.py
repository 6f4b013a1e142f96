import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from .symbolics import dynamic_sizes

OPSET = 17


def trace_onnx(
    network: nn.Module,
    inputs: Sequence[Tensor],
    path: Path,
    axes: Mapping[str, Mapping[int, str]],
    output_names: Sequence[str] = (),
) -> None:
    """Export a network to an ONNX file by tracing.

    Unlike torch's newer exporter, tracing keeps the batch dynamic, needs no further package, takes
    seconds, and exists in every torch since 2.0.

    Args:
        network: The network, in evaluation mode.
        inputs: An example of its inputs.
        path: The file to write.
        axes: Name of every input, in order, and of outputs -> its dynamic axes and their names.
        output_names: Names of the outputs; by default, torch numbers them.
    """
    # before torch 2.5, torch.onnx.export had neither a choice of exporters nor this argument
    old = {'dynamo': False} if 'dynamo' in torch.onnx.export.__code__.co_varnames else {}
    with warnings.catch_warnings(), dynamic_sizes(OPSET):
        warnings.simplefilter('ignore')  # about all values that tracing could fix
        torch.onnx.export(
            network,
            tuple(inputs),
            str(path),
            input_names=[name for name in axes if name not in output_names],
            output_names=list(output_names) or None,
            dynamic_axes={name: dict(named) for name, named in axes.items()},
            opset_version=OPSET,
            **old,
        )
