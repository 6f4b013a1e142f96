from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np


class OpenvinoSession:
    """A model in OpenVINO, with the methods of onnxruntime's session that the project calls.

    It computes in 32-bit floats. By default, OpenVINO takes 16-bit ones where the processor has
    them, and results then depend on the computer.

    Args:
        path: The .xml file. The weights are in the .bin file of the same name.
        device: Device of OpenVINO, such as 'cpu' or 'gpu'; by default the CPU.

    Raises:
        FileNotFoundError: If a file does not exist.
        ImportError: If OpenVINO is not installed.
        ValueError: If the files are damaged, or the device is not available.
    """

    def __init__(self, path: str | Path, device: str | None = None) -> None:
        for file in (Path(path), Path(path).with_suffix('.bin')):
            if not file.is_file():
                raise FileNotFoundError(f'{file}: there is no such file of an OpenVINO model')
        openvino = import_openvino()
        core = openvino.Core()
        name = (device or 'cpu').upper()
        if name.partition('.')[0] not in {one.partition('.')[0] for one in core.available_devices}:
            raise ValueError(
                f'device: expected one that OpenVINO can use, {core.available_devices}, got '
                f'{device!r}'
            )
        try:
            model = core.read_model(path)
            self._model = core.compile_model(model, name, {'INFERENCE_PRECISION_HINT': 'f32'})
        except Exception as error:  # OpenVINO's errors have no other common base class
            raise ValueError(f'{path}: OpenVINO cannot load it: {error}') from error
        self._properties = {
            key: value.value if hasattr(value, 'value') else value
            for key, value in model.get_rt_info().items()
        }

    def get_modelmeta(self) -> SimpleNamespace:
        """Return what the file says about itself, as ``custom_metadata_map``."""
        return SimpleNamespace(custom_metadata_map=self._properties)

    def get_inputs(self) -> list[SimpleNamespace]:
        """List the inputs, each with ``name`` and ``type``."""
        return [
            SimpleNamespace(name=part.get_any_name(), type='tensor(float)')
            for part in self._model.inputs
        ]

    def run(self, outputs: Sequence[str], feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Compute some outputs by name.

        Args:
            outputs: Their names.
            feed: The inputs by name, float32.
        """
        found = self._model(dict(feed))
        return [found[self._model.output(name)] for name in outputs]


def import_openvino():
    """Import OpenVINO.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise ImportError(
            'openvino is needed for .xml files: pip install -r requirements/openvino.txt'
        ) from error
    return openvino
