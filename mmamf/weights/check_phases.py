import logging
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log

from .config_differences import find_file_differences, find_reversed
from .file_description import innermost_dataset

_LOADERS = ('train_dataloader', 'val_dataloader')


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
