import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.logging import print_log

from .config_differences import find_differences
from .embedded_config import read_embedded_config

SHOWN = 5  # number of differences that a message names


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
