from typing import Any

from ..datasets.nested_datasets import build_lazily, find_descriptions, find_loading
from ..structures import Modality
from .onnx_metadata import describe_files
from .segmentor_graph import SegmentorGraph


def describe_segmentor(graph: SegmentorGraph, config: dict) -> dict[str, Any]:
    """Describe what a user of the exported file has to know.

    Args:
        graph: The graph to export.
        config: The training config of the model; no file of its data set is needed.

    Returns:
        A dict with these keys:

        - ``modalities``: a dict for each input, in order. It has the content of the modality's
          files (``channels``, ``dtype``, ``missing``; ``bands`` if some are selected), the end of
          their names (``suffix``), whether a sample may lack it (``optional``), and how the data
          preprocessor normalizes (``mean``, ``std``, ``scale``, ``bgr_to_rgb``; ``fill`` if missing
          readings get this value and not the mean). In ``missing``, 'NaN', 'Infinity' and
          '-Infinity' are texts, because JSON has no such numbers.
        - ``in_channels``: channels that the network sees per modality.
        - ``classes``, and ``palette`` in RGB.
        - ``preprocessing``: whether the graph contains it.
        - ``outputs``: names, the ensemble's first.
        - ``absent``: 'NaN', the value of all pixels of an absent modality; None if there is only
          one modality.
        - ``threshold``, only of a network with one output for two classes: a pixel is of class 1 if
          the sigmoid of its logit is above it.
        - ``guard``, only if the graph has one: True. A modality whose sensor is broken then has the
          outputs of an absent one.

    Raises:
        ValueError: If the config does not have a suitable data set.
    """
    dataset = build_lazily(config['test_dataloader']['dataset'])
    if find_loading(dataset) is None:
        raise ValueError(
            'config: expected test_dataloader.dataset.pipeline with LoadMultimodalImages, got one '
            'without'
        )
    files = find_descriptions(dataset)
    values = graph.model.data_preprocessor.descriptions
    head = graph.model.decode_head
    threshold = dict(threshold=head.threshold) if head.out_channels == 1 else {}
    guard = dict(guard=True) if graph.guarded else {}
    return dict(
        modalities=[_describe(files[name], values[name]) for name in graph.input_names],
        in_channels=graph.model.data_preprocessor.in_channels,
        classes=list(dataset.metainfo['classes']),
        palette=[list(color) for color in dataset.metainfo['palette']],
        preprocessing=graph.preprocessing,
        outputs=list(graph.output_names),
        absent='NaN' if len(graph.input_names) > 1 else None,
        **threshold,
        **guard,
    )


def _describe(files: Modality, values: Modality) -> dict[str, Any]:
    mean, std = values.statistics
    fill = {} if values.fill is None else dict(fill=values.fills)
    return dict(
        **describe_files(files),
        mean=mean,
        std=std,
        scale=values.scale,
        bgr_to_rgb=values.bgr_to_rgb,
        **fill,
    )
