"""Makes an exported ONNX file smaller, and measures what that costs."""

import json
import logging
from pathlib import Path

import onnx
from mmengine.config import Config
from mmengine.registry import DATASETS
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

from mmamf.ensemble import ENSEMBLE

from .calibration_images import CalibrationImages
from .measure_file import measure_file
from .onnx_metadata import METADATA

INT8, FLOAT16 = 'int8', 'float16'
CALIBRATION = 32  # images
PRODUCTS = ('Conv', 'Gemm', 'MatMul')
# Between convolutions, they save the way to floats and back. In transformers, they take longer.
BETWEEN = ('Add', 'Mul', 'Relu', 'Clip', 'MaxPool', 'Resize')


def shrink(exact: Path, small: Path, cfg: Config, kind: str, max_loss: float) -> str:
    """Write a smaller form of an exported file, and what it loses into its metadata.

    mIoU of both files is measured on the validation set by :func:`measure_file`.

    Args:
        exact: The exported file.
        small: The file to write.
        cfg: Config with the training set, to calibrate 'int8', and the validation set.
        kind: 'int8' or 'float16'.
        max_loss: Largest loss of the ensemble, in points of mIoU.

    Returns:
        The loss, for people.

    Raises:
        ValueError: If the loss is larger, or cannot be measured.
    """
    about = json.loads(_properties(exact)[METADATA])
    entry = dict(kind=kind)
    if kind == INT8:
        names = [modality['name'] for modality in about['modalities']]
        images = CalibrationImages(DATASETS.build(cfg.train_dataloader.dataset), names, CALIBRATION)
        entry.update(calibration_images=len(images))
        quantize(exact, small, images)
    else:
        to_float16(exact, small)
    before, after = (measure_file(path, cfg) for path in (exact, small))
    entry.update(mIoU=after, mIoU_float32=before)
    parts = [f'{name} {before[name]:.2f} -> {after[name]:.2f}' for name in before]
    loss = before[ENSEMBLE] - after[ENSEMBLE]
    text = f'{kind} loses {loss:.2f} mIoU on the validation set ({", ".join(parts)})'
    if not loss <= max_loss:
        raise ValueError(f'{text}, expected at most {max_loss:g} (--max-loss): nothing is written')
    model = onnx.load(str(small))
    properties = _properties(exact) | {METADATA: json.dumps(about | dict(precision=entry))}
    onnx.helper.set_model_props(model, properties)
    onnx.save(model, str(small))
    return text


def quantize(exact: Path, small: Path, images: CalibrationDataReader) -> None:
    """Compute the network's convolutions and matrix products with 8-bit integers.

    Weights have a scale for each output channel, maps one for all of their values, from their
    smallest to their largest in the calibration. In networks without layer norms, sums, products
    and poolings between the convolutions are in integers, too. What is around the network keeps its
    floats, and so does the guard, whose thresholds were fitted to them.

    Args:
        exact: The exported file.
        small: The file to write.
        images: Images for the calibration.
    """
    network = _network(exact)
    is_transformer = any(node.op_type == 'LayerNormalization' for node in network)
    kinds = PRODUCTS if is_transformer else PRODUCTS + BETWEEN
    names = [node.name for node in network if node.op_type in kinds]
    muted = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it asks for a preparation that brings nothing here
    try:
        quantize_static(
            exact,
            small,
            images,
            op_types_to_quantize=list(kinds),
            nodes_to_quantize=names,
            per_channel=True,
            activation_type=QuantType.QUInt8,  # what processors multiply with signed weights
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.disable(muted)
    _drop_unused_constants(small)


def to_float16(exact: Path, small: Path) -> None:
    """Compute the network with 16-bit floats; inputs, outputs and what is around keep 32 bits.

    Args:
        exact: The exported file.
        small: The file to write.
    """
    model = onnx.load(str(exact))
    inside = {node.name for node in _network(exact)}
    around = [node.name for node in model.graph.node if node.name not in inside]
    model = convert_float_to_float16(model, keep_io_types=True, node_block_list=around)
    onnx.save(model, str(small))


def _drop_unused_constants(path: Path) -> None:
    """Remove what operations left behind that the quantizer removed; onnxruntime warns of it."""
    model = onnx.load(str(path))
    used = {name for node in model.graph.node for name in node.input}
    nodes = [n for n in model.graph.node if n.op_type != 'Constant' or n.output[0] in used]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(path))


def _network(path: Path) -> list[onnx.NodeProto]:
    """List the operations of the network: those with the name of a module, like /backbone/Add."""
    nodes = onnx.load(str(path)).graph.node
    return [node for node in nodes if node.name.count('/') > 1 and '/guard/' not in node.name]


def _properties(path: Path) -> dict[str, str]:
    model = onnx.load(str(path), load_external_data=False)
    return {entry.key: entry.value for entry in model.metadata_props}
