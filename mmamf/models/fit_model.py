"""Fill the number of modalities, and their numbers of channels, into the config of a model."""

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.registry import MODELS
from torch import nn

from mmamf.structures import read_modalities

PARTS = ('backbone', 'neck', 'decode_head', 'auxiliary_head', 'generator', 'discriminator')
USUAL = 3  # input channels of a network for RGB


def fit_model(config: Mapping) -> dict:
    """Fill values that follow from the data preprocessor's modalities into a model's config.

    ``num_modalities`` is filled in for every part whose class has this argument. ``bands`` of a
    backbone become the modalities' numbers of channels in two cases: it is True, or the config sets
    neither ``bands`` nor ``in_channels`` and a modality has more than 3 channels. With ``bands``,
    ``in_channels`` of the data preprocessor becomes the largest of them.

    Args:
        config: Config of a model. If its data preprocessor describes no modalities, the config
            stays unchanged.

    Raises:
        ValueError: If a part has another number of modalities, or of their channels.
    """
    config, preprocessor = dict(config), config.get('data_preprocessor')
    channels = _channels(preprocessor)
    if not channels:
        return config
    config.update({name: _fit(config[name], channels) for name in PARTS if config.get(name)})
    bands = (config.get('backbone') or {}).get('bands')
    if not bands:
        return config
    if [*bands] != channels:
        raise ValueError(
            f'backbone.bands: expected {channels}, the channels of the modalities in the data '
            f'preprocessor, got {[*bands]}'
        )
    if isinstance(preprocessor, Mapping):
        config['data_preprocessor'] = {'in_channels': max(bands), **preprocessor}
        found = config['data_preprocessor']['in_channels']
    else:
        found = preprocessor.in_channels
    if found != max(bands):
        raise ValueError(
            f'data_preprocessor.in_channels: expected {max(bands)}, as the widest of '
            f'backbone.bands = {[*bands]}, got {found}'
        )
    return config


def _channels(preprocessor: Mapping | nn.Module | None) -> list[int]:
    """List the number of channels of every modality; empty if they are not described."""
    if isinstance(preprocessor, nn.Module):
        return [*(getattr(preprocessor, 'bands', None) or ())]
    specs = (preprocessor or {}).get('modalities')
    modalities = read_modalities(specs).values() if specs else ()
    for modality in modalities:
        if modality.channels is None:
            raise ValueError(
                f'modality {modality.name!r}: expected the key channels, which the model needs, '
                'got none'
            )
    return [modality.num_channels for modality in modalities]


def _fit(part: Any, channels: Sequence[int]) -> Any:
    if isinstance(part, list | tuple):
        return [_fit(one, channels) for one in part]
    if not isinstance(part, Mapping) or not _takes(part, 'num_modalities'):
        return part
    given = part.get('num_modalities', len(channels))
    if given != len(channels):
        raise ValueError(
            f'num_modalities of {part["type"]}: expected none, or {len(channels)}, as many as the '
            f'data preprocessor describes, got {given}'
        )
    filled = copy.copy(part)  # of its own type: mmseg sets attributes of a config
    filled['num_modalities'] = len(channels)
    if _takes(part, 'bands'):
        is_silent = 'bands' not in part and 'in_channels' not in (part.get('backbone') or part)
        if part.get('bands') is True or (is_silent and max(channels) > USUAL):
            filled['bands'] = [*channels]
    return filled


def _takes(part: Mapping, argument: str) -> bool:
    """Tell whether the class of a part, or one of its base classes, has an argument."""
    kind = part.get('type')
    found = MODELS.get(kind) if isinstance(kind, str) else kind
    owners = inspect.getmro(found) if inspect.isclass(found) else ()
    return any(
        argument in inspect.signature(owner.__init__).parameters
        for owner in owners
        if '__init__' in vars(owner)
    )
