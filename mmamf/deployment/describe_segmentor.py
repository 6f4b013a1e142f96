import math
from collections.abc import Sequence
from typing import Any

from ..datasets.nested_datasets import build_lazily, find_descriptions, find_loading
from ..structures import Modality
from .segmentor_graph import SegmentorGraph


def describe_segmentor(graph: SegmentorGraph, config: dict) -> dict[str, Any]:
    """Describe what a user of the exported file has to know.

    Args:
        graph: The graph to export.
        config: The training config of the model; no file of its data set is needed.

    Returns:
        A dict with these keys. ``modalities`` has for each input, in order: the content of its
        files (``channels``, ``dtype``, ``missing``; ``bands`` if some are selected), the end of
        their names (``suffix``), and the normalization by the data preprocessor (``mean``, ``std``,
        ``scale``, ``bgr_to_rgb``; ``fill`` if missing readings get this value and not the mean).
        ``in_channels``: channels that the network sees per modality. ``classes``. ``palette``: RGB.
        ``preprocessing``: whether the graph contains it. ``outputs``: the ensemble's first.
        ``absent``: the value of all pixels of an absent modality, 'NaN', or None if there is only
        one modality. In ``missing``, 'NaN', 'Infinity' and '-Infinity' are texts, because JSON has
        no such numbers. For a network with one output for two classes there is a ``threshold``: a
        pixel is of class 1 if the sigmoid of its logit is above it.

    Raises:
        ValueError: If the config does not have a suitable data set.
    """
    dataset = build_lazily(config['test_dataloader']['dataset'])
    if find_loading(dataset) is None:
        raise ValueError(
            'config: expected LoadMultimodalImages in test_dataloader.dataset.pipeline, got none'
        )
    files = find_descriptions(dataset)
    values = graph.model.data_preprocessor.descriptions
    head = graph.model.decode_head
    threshold = dict(threshold=head.threshold) if head.out_channels == 1 else {}
    return dict(
        modalities=[_describe(files[name], values[name]) for name in graph.input_names],
        in_channels=graph.model.data_preprocessor.in_channels,
        classes=list(dataset.metainfo['classes']),
        palette=[list(color) for color in dataset.metainfo['palette']],
        preprocessing=graph.preprocessing,
        outputs=list(graph.output_names),
        absent='NaN' if len(graph.input_names) > 1 else None,
        **threshold,
    )


def _describe(files: Modality, values: Modality) -> dict[str, Any]:
    mean, std = values.statistics
    selected = {} if files.bands is None else dict(bands=[*files.bands])
    limits = {} if files.valid_range is None else dict(valid_range=[*files.valid_range])
    fill = {} if values.fill is None else dict(fill=values.fills)
    return dict(
        name=files.name,
        channels=files.num_channels,
        dtype=files.dtype,
        missing=_as_json(files.missing),
        suffix=files.suffix,
        mean=mean,
        std=std,
        scale=values.scale,
        bgr_to_rgb=values.bgr_to_rgb,
        **selected,
        **limits,
        **fill,
    )


def _as_json(missing: float | Sequence[float] | None) -> Any:
    if isinstance(missing, list | tuple):
        return [_as_json(value) for value in missing]
    if missing is None or math.isfinite(missing):
        return missing
    return 'NaN' if math.isnan(missing) else f'{"-" if missing < 0 else ""}Infinity'
