"""Adapts data sets that wrap ours (ConcatDataset, MultiImageMixDataset, ...), and looks inside."""

import os
import os.path as osp
from collections.abc import Iterator
from typing import Any

from mmengine.logging import print_log
from mmengine.registry import DATASETS, Registry, build_from_cfg
from mmseg.registry import DATASETS as MMSEG_DATASETS

from mmamf.structures import Modality

from .adapt_pipeline import adapt_pipeline
from .transforms import LoadMultimodalImages


def build_dataset(config: dict, *args, registry: Registry, **kwargs) -> Any:
    """Build a data set, adapt the pipelines that wrap ours, and make sample names unique.

    Args:
        config: Config of the data set.
        *args: Further arguments of :func:`mmengine.registry.build_from_cfg`.
        registry: Registry of the type.
        **kwargs: Further arguments, like ``args``.

    Raises:
        ValueError: If a combination of data sets is empty, or a pipeline that wraps a
            :class:`MultimodalSegDataset` would damage a modality.
    """
    if isinstance(config, dict) and config.get('datasets') in ([], ()):
        raise ValueError(f'{config.get("type")}.datasets: expected at least one data set, got none')
    dataset = build_from_cfg(config, registry, *args, **kwargs)
    inner = list(_inner(dataset))
    for one, around in inner:
        if hasattr(one, 'modalities') and not hasattr(one, 'target'):
            for pipeline in around:
                adapt_pipeline(pipeline, one.descriptions)
    make_names_unique([one for one, _ in inner if hasattr(one, 'name_prefix')])
    return dataset


def make_names_unique(datasets: list[Any]) -> None:
    """Make sample names unique across data sets, because result files have the same names.

    If a name occurs in several data sets, each name gets a prefix: the part in which their folders
    differ, such as ``day/0001`` and ``night/0001``. If that does not make all names unique, the
    prefix is the number of the data set, such as ``0/0001``.

    Args:
        datasets: Data sets that have ``name_prefix``.
    """
    if len(datasets) < 2 or _are_unique(datasets):
        return
    first = [osp.abspath(one.data_prefix[one.modalities[0]]) for one in datasets]
    for names in (_differences(first), [str(i) for i in range(len(datasets))]):
        for dataset, name in zip(datasets, names, strict=True):
            dataset.name_prefix = f'{name}/'
        if all(names) and _are_unique(datasets):
            break
    shown = ', '.join(f'{d.name_prefix} of {folder}' for d, folder in zip(datasets, first))
    print_log(
        f'Several data sets have samples of the same names, which get prefixes: {shown}',
        logger='current',
    )


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
    first, _ = next(_inner(dataset))
    steps = (step for step in first.pipeline.transforms if isinstance(step, LoadMultimodalImages))
    return next(steps, None)


def find_descriptions(dataset: Any) -> dict[str, Modality]:
    """Find the descriptions of a data set's modalities; empty if it has none.

    Args:
        dataset: A data set, or one that combines several. The first is taken.
    """
    first, _ = next(_inner(dataset))
    return dict(getattr(first, 'descriptions', {}))


def _inner(dataset: Any, around: tuple = ()) -> Iterator[tuple[Any, tuple]]:
    """Yield each innermost data set and the pipelines that its wrappers apply to its samples."""
    inside = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if inside == [None]:
        yield dataset, around
        return
    pipeline = getattr(dataset, 'pipeline', [])
    for one in inside:
        yield from _inner(one, (getattr(pipeline, 'transforms', pipeline), *around))


def _are_unique(datasets: list[Any]) -> bool:
    names: set[str] = set()
    for dataset in datasets:
        dataset.full_init()
        own = {dataset.get_data_info(i)['sample_name'] for i in range(len(dataset))}
        if not names.isdisjoint(own):
            return False
        names |= own
    return True


def _differences(folders: list[str]) -> list[str]:
    """Cut off the common start and the common end of the folders."""
    parts = [folder.split(os.sep) for folder in folders]
    for _ in range(2):
        same = len(osp.commonprefix(parts))
        parts = [part[same:][::-1] for part in parts]
    return ['/'.join(part) for part in parts]


# Configs are built through these functions. mmseg's registry has its own copy of mmengine's.
for _registry in (DATASETS, MMSEG_DATASETS):
    _registry.build_func = build_dataset
