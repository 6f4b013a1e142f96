from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader
from torch import nn

from mmamf.deployment import SegmentorGraph
from mmamf.deployment.shrink_onnx import quantize
from mmamf.deployment.trace_onnx import trace_onnx

EXAMPLE = (90, 102)  # px; see mmamf/deployment/export_onnx.py


class ExportedForms:
    """A segmentor in the runtimes that need no PyTorch.

    The files are those of ``tools/export_onnx.py --ensemble``, for any batch and size. The 8-bit
    form is calibrated with random images. That does not change its time, but its predictions are
    useless.

    Args:
        model: The segmentor, in evaluation mode.
        size: Height and width of the images to measure with, in px.
        folder: Where the files go.
    """

    def __init__(self, model: nn.Module, size: tuple[int, int], folder: Path) -> None:
        graph = SegmentorGraph(model, ensemble=True).eval()
        self.files = {name: folder / f'{name}.onnx' for name in ('onnxruntime', 'int8')}
        axes = dict.fromkeys((*graph.input_names, *graph.output_names), {0: 'N', 2: 'H', 3: 'W'})
        example = graph.split_inputs(graph.draw_raw(2, EXAMPLE))
        trace_onnx(graph, example, self.files['onnxruntime'], axes, graph.output_names)
        images = graph.split_inputs(graph.draw_raw(1, size))
        self.feed = {n: image.numpy() for n, image in zip(graph.input_names, images)}
        quantize(self.files['onnxruntime'], self.files['int8'], _One(self.feed))

    def steps(self, threads: int) -> dict[str, Callable[[], object]]:
        """Make a step of each form, which gives the ensemble's logits in the size of the images.

        Args:
            threads: Number of threads.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # waiting threads sleep, or they would slow down the next measurement
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        steps = {}
        for name, file in self.files.items():
            cpu = ['CPUExecutionProvider']
            session = onnxruntime.InferenceSession(str(file), options, providers=cpu)
            steps[name] = lambda session=session: session.run(None, self.feed)
        if find_spec('openvino'):
            steps['openvino'] = self._openvino(threads)
        return steps

    def _openvino(self, threads: int) -> Callable[[], object]:
        import openvino

        options = dict(INFERENCE_PRECISION_HINT='f32', INFERENCE_NUM_THREADS=threads)
        model = openvino.Core().compile_model(self.files['onnxruntime'], 'CPU', options)
        return lambda: model(self.feed)


class _One(CalibrationDataReader):
    """A single calibration image."""

    def __init__(self, feed: dict[str, np.ndarray]) -> None:
        self._rest = iter([feed])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._rest, None)
