from pathlib import Path

from .onnx_segmentor import OnnxSegmentor
from .openvino_segmentor import OpenvinoSegmentor

EXPORTED = {'.onnx': OnnxSegmentor, '.xml': OpenvinoSegmentor}  # ends of file names


def is_exported(path: str | Path) -> bool:
    """Tell by its name whether a file was written by ``tools/export_onnx.py``."""
    return Path(path).suffix.lower() in EXPORTED


def open_exported(path: str | Path, device: str | None = None) -> OnnxSegmentor:
    """Open a file of ``tools/export_onnx.py`` in the runtime that its name asks for.

    Args:
        path: An .onnx file for onnxruntime, or an .xml file for OpenVINO.
        device: See :class:`OnnxSegmentor` and :class:`OpenvinoSegmentor`.
    """
    return EXPORTED[Path(path).suffix.lower()](path, device)
