import math
from collections.abc import Iterator, Mapping
from typing import Any


def innermost_dataset(config: Mapping, *loaders: str) -> Mapping:
    """Find the config of the innermost data set, which describes the files.

    Of several data sets, it is the first.

    Args:
        config: A config.
        *loaders: Keys of data loaders. The first one that the config has is taken.

    Returns:
        The config of the data set, empty if there is none.
    """
    dataset = next((config[key].get('dataset') for key in loaders if config.get(key)), None) or {}
    while 'datasets' in dataset or 'dataset' in dataset:
        dataset = dataset['datasets'][0] if 'datasets' in dataset else dataset['dataset']
    return dataset


def describe_files(dataset: Mapping) -> dict[str, Mapping]:
    """Find the descriptions of the modalities' files in the config of a data set.

    The descriptions are in ``modalities`` of the data set, or else in ``modalities`` of the loading
    transform, which may describe further modalities.

    Args:
        dataset: The config.

    Returns:
        Name of each modality, in the order of the data set -> ``dict(channels=..., ...)``, empty
        without a description.
    """
    named = [
        item if isinstance(item, Mapping) else dict(name=item)
        for item in dataset.get('modalities') or ()
    ]
    loaded: dict[str, Mapping] = {}
    for step in _mappings(dataset.get('pipeline') or ()):
        if isinstance(step.get('modalities'), Mapping):
            loaded.update(step['modalities'])
    return {item['name']: {**loaded.get(item['name'], {}), **item} for item in named}


def channel_order(dataset: Mapping, name: str, is_reversed: bool) -> list[int] | None:
    """List the channels of a modality's files in the order in which the model gets them.

    Args:
        dataset: Config of the data set.
        name: The modality.
        is_reversed: Whether the data preprocessor reverses the order (``bgr_to_rgb``).

    Returns:
        Indices of the channels in the file; None without a description.
    """
    channels = describe_files(dataset).get(name, {}).get('channels')
    if channels is None:
        return None
    suffix = dataset.get('img_suffix', '')
    suffix = str(suffix.get(name, '') if isinstance(suffix, Mapping) else suffix or '')
    suffix = describe_files(dataset)[name].get('suffix') or suffix
    order = [*channels] if isinstance(channels, list | tuple) else [*range(channels)]
    if channels == 3 and not suffix.lower().endswith('.npy'):  # a picture is loaded as BGR
        order.reverse()
    return order[::-1] if is_reversed else order


def missing_values(dataset: Mapping, name: str) -> list[float]:
    """List the finite values that mean "no reading" in the files of a modality.

    Args:
        dataset: Config of the data set.
        name: The modality.
    """
    missing = describe_files(dataset).get(name, {}).get('missing')
    values = missing if isinstance(missing, list | tuple) else [missing]
    numbers = {float(value) for value in values if value is not None}
    return sorted(filter(math.isfinite, numbers))


def _mappings(value: Any) -> Iterator[Mapping]:
    if isinstance(value, Mapping):
        yield value
        value = [*value.values()]
    if isinstance(value, list | tuple):
        for item in value:
            yield from _mappings(item)
