from pathlib import Path

import onnx

from mmamf.apis.openvino_session import import_openvino


def export_openvino(source: Path, target: Path) -> None:
    """Write an exported ONNX file as OpenVINO's two files, with the same metadata.

    The weights keep their 32 bits.

    Args:
        source: The ONNX file.
        target: The .xml file to write; the weights go into the .bin file of the same name.

    Raises:
        ImportError: If OpenVINO is not installed.
        ValueError: If OpenVINO cannot convert the file.
    """
    openvino = import_openvino()
    try:
        model = openvino.convert_model(str(source))
    except Exception as error:  # OpenVINO's errors have no other common base class
        raise ValueError(f'OpenVINO cannot convert {source.name}: {error}') from error
    for entry in onnx.load(str(source)).metadata_props:
        model.set_rt_info(entry.value, [entry.key])
    openvino.save_model(model, target, compress_to_fp16=False)
