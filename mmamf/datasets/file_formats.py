"""Finds how a data set describes and loads the files of its modalities."""

from typing import Any

from mmengine.registry import DATASETS

from mmamf.structures import Modality

from .transforms import LoadMultimodalImages


def build_lazily(config: dict) -> Any:
    """Build a data set without reading its files. If it combines several, build the first.

    Args:
        config: Config of the data set.
    """
    return DATASETS.build({**inner_configs(config)[0], 'lazy_init': True})


def inner_configs(config: dict) -> list[dict]:
    """List the configs of the innermost data sets, which have the files.

    Args:
        config: Config of the data set.
    """
    inside = config.get('datasets') or [config.get('dataset')]
    if inside == [None]:
        return [config]
    return [inner for one in inside for inner in inner_configs(one)]


def find_loading(dataset: Any) -> LoadMultimodalImages | None:
    """Find the transform that loads the modalities' files; None if there is none.

    Args:
        dataset: A data set with a pipeline, or one that combines several. The first is taken.
    """
    for transform in _innermost(dataset).pipeline.transforms:
        if isinstance(transform, LoadMultimodalImages):
            return transform
    return None


def find_descriptions(dataset: Any) -> dict[str, Modality]:
    """Find the descriptions of a data set's modalities; empty if it has none.

    Args:
        dataset: A data set, or one that combines several. The first is taken.
    """
    return dict(getattr(_innermost(dataset), 'descriptions', {}))


def _innermost(dataset: Any) -> Any:
    while hasattr(dataset, 'datasets') or hasattr(dataset, 'dataset'):
        dataset = dataset.datasets[0] if hasattr(dataset, 'datasets') else dataset.dataset
    return dataset
