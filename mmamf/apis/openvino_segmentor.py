from .onnx_segmentor import OnnxSegmentor
from .openvino_session import OpenvinoSession


class OpenvinoSegmentor(OnnxSegmentor):
    """A segmentation model in OpenVINO's files, which ``tools/export_onnx.py`` wrote.

    It works like :class:`OnnxSegmentor`, and gives the same results, but uses OpenVINO.

    Args:
        path: The .xml file, beside the .bin file of the same name.
        device: See :class:`OpenvinoSession`.

    Raises:
        FileNotFoundError: If a file does not exist.
        ImportError: If OpenVINO is not installed.
        ValueError: As for :class:`OnnxSegmentor`.
    """

    _open = staticmethod(OpenvinoSession)
