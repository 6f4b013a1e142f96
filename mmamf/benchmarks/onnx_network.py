"""A network in onnxruntime, which is called like the other networks."""

import tempfile
from importlib.util import find_spec
from pathlib import Path

import torch
from mmengine.device import get_device
from torch import Tensor, nn

from mmamf.deployment.trace_onnx import trace_onnx


def has_onnxruntime() -> bool:
    """Tell whether networks can be exported and run here, on a CPU."""
    found = all(find_spec(name) for name in ('onnx', 'onnxruntime'))
    return found and get_device() == 'cpu'


class OnnxNetwork:
    """A network, exported by tracing, that runs in onnxruntime.

    It has as many threads as torch. They sleep when there is nothing to do; otherwise they would
    slow down the next measurement.

    Args:
        network: The network, in evaluation mode, on a CPU.
        inputs: An example of the batches to come.

    Shape:
        - Input and outputs: as those of the network.
    """

    def __init__(self, network: nn.Module, inputs: Tensor) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, 'network.onnx')
            # dynamic sizes, as in a deployed file
            trace_onnx(network, [inputs], path, {'images': {0: 'N', 2: 'H', 3: 'W'}})
            self.session = onnxruntime.InferenceSession(
                str(path), options, providers=['CPUExecutionProvider']
            )
        self.name = self.session.get_inputs()[0].name

    def __call__(self, x: Tensor) -> list[Tensor]:
        """Run the network."""
        return [torch.from_numpy(out) for out in self.session.run(None, {self.name: x.numpy()})]
