"""What a data set's configuration says about the files of its modalities."""

from typing import Any

from mmengine.registry import DATASETS

from .transforms import LoadMultimodalImages


def build_lazily(config: dict) -> Any:
    """Build a data set without any of its files; of one made of several, the first.

    Args:
        config: Config of the data set.
    """
    while 'datasets' in config or 'dataset' in config:  # several in one, or one repeated
        config = config['datasets'][0] if 'datasets' in config else config['dataset']
    return DATASETS.build({**config, 'lazy_init': True})


def find_loading(dataset: Any) -> LoadMultimodalImages | None:
    """Find the transform that knows the modalities' files; None if there is none.

    Args:
        dataset: A data set with a pipeline, or one made of several, of which the first is taken.
    """
    for transform in _innermost(dataset).pipeline.transforms:
        if isinstance(transform, LoadMultimodalImages):
            return transform
    return None


def find_suffixes(dataset: Any) -> dict[str, str]:
    """Find the suffix of the files of each modality.

    Args:
        dataset: A data set of several modalities, or one made of several such, of which the first
            is taken.
    """
    dataset = _innermost(dataset)
    suffix = dataset.img_suffix
    return dict.fromkeys(dataset.modalities, suffix) if isinstance(suffix, str) else dict(suffix)


def _innermost(dataset: Any) -> Any:
    while hasattr(dataset, 'datasets') or hasattr(dataset, 'dataset'):
        dataset = dataset.datasets[0] if hasattr(dataset, 'datasets') else dataset.dataset
    return dataset
