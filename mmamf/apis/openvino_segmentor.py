from pathlib import Path

from .onnx_segmentor import OnnxSegmentor
from .openvino_session import OpenvinoSession

EXPORTED = ('.onnx', '.xml')  # how names of exported files end


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


def open_exported(path: str | Path, device: str | None = None) -> OnnxSegmentor:
    """Open a file that ``tools/export_onnx.py`` wrote, with the runtime that its name asks for.

    Args:
        path: An .xml file for OpenVINO; any other for onnxruntime.
        device: See the two classes.
    """
    kind = OpenvinoSegmentor if Path(path).suffix.lower() == '.xml' else OnnxSegmentor
    return kind(path, device)
