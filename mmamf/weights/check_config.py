import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.logging import print_log

from .config_differences import find_differences, find_file_differences, find_reversed
from .embedded_config import read_embedded_config
from .file_description import innermost_dataset

SHOWN = 5  # number of differences that a message names
_LOADERS = ('train_dataloader', 'val_dataloader')


def check_config(
    content: Mapping,
    config: Mapping,
    source: str | Path,
    classes: Sequence[str] | None = None,
    allow_different: bool = False,
) -> None:
    """Compare a config with the config of the training, which is in the checkpoint.

    Many differences change no name and no size of the weights, such as another order of the
    modalities, other statistics or another fusion. A checkpoint without a config is not compared.

    Args:
        content: The checkpoint.
        config: The config to use with the checkpoint.
        source: File of the checkpoint, for messages.
        classes: Class names of the config's data set, if known.
        allow_different: Whether a difference is a warning instead of an error.

    Raises:
        ValueError: If the configs differ in something that changes predictions.
    """
    try:
        trained = read_embedded_config(content)
    except ValueError as error:
        print_log(
            f'{source}: {error}; the config is not compared with it', 'current', logging.WARNING
        )
        return
    differences = [] if trained is None else find_differences(trained, config)
    learned = ((content.get('meta') or {}).get('dataset_meta') or {}).get('classes')
    if learned and classes and tuple(learned) != tuple(classes):
        differences.append(
            f'classes: {tuple(learned)} in the checkpoint, {tuple(classes)} in the config'
        )
    if not differences:
        return
    more = [f'and {len(differences) - SHOWN} more'] if len(differences) > SHOWN else []
    listed = '; '.join(differences[:SHOWN] + more)
    message = f'{source}: the config differs from that of the training, which is in it. {listed}'
    if not allow_different:
        raise ValueError(
            f'{message}. Use the config of the training, or overrule with --allow-different-config '
            '(in Python: allow_different_config=True)'
        )
    print_log(message, 'current', logging.WARNING)


def check_phases(
    config: Mapping, train_classes: Sequence[str] | None, val_classes: Sequence[str] | None
) -> None:
    """Compare the validation data with the training data.

    Warns if their files are read differently.

    Args:
        config: Config of a training.
        train_classes: Class names of the training data set, if known.
        val_classes: Class names of the validation data set, if known.

    Raises:
        ValueError: If the classes differ.
    """
    if train_classes and val_classes and tuple(train_classes) != tuple(val_classes):
        raise ValueError(
            f'{" and ".join(_LOADERS)}: expected data sets with the same classes in the same '
            f'order, got {tuple(train_classes)} and {tuple(val_classes)}'
        )
    datasets = [innermost_dataset(config, loader) for loader in _LOADERS]
    reversed_names = find_reversed(config)
    differences = find_file_differences(*datasets, reversed_names, reversed_names, _LOADERS)
    if differences:
        print_log(
            f'Validation reads files in another way than training. {"; ".join(differences)}',
            'current',
            logging.WARNING,
        )
