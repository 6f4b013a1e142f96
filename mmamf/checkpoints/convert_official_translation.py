import re
from collections.abc import Mapping

import torch

from ..models.discriminators import MultimodalPatchDiscriminator
from ..models.generators import SharedMultimodalUnetGenerator
from .official_state import StateDict, check_entries, plain_state_dict, stack_private

# The authors store a norm for every convolution, but do not run these.
_UNUSED_NORMS = {
    'generator': ('conv1.insnorm_conv.', 'conv8.insnorm_conv.', 'deconv8.insnorm_deconv.'),
    'discriminator': ('conv1.insnorm.', 'conv5.insnorm.'),
}


def convert_official_translation(checkpoint: Mapping) -> StateDict:
    """Convert a checkpoint of the authors' translation networks to one of ours.

    The authors store generator and discriminator in two checkpoints. The keys tell which one it is.
    Each becomes its part of a MultimodalPix2Pix. Norms that the authors store but never run are
    dropped.

    Args:
        checkpoint: A state dict of the generator or of the discriminator, with or without the
            prefix ``module.`` that DataParallel adds.

    Returns:
        A state dict with keys under ``generator.`` or ``discriminator.``. Its entries are those of
        a SharedMultimodalUnetGenerator for images of 256 px without fusion, or of a
        MultimodalPatchDiscriminator.

    Raises:
        ValueError: If it is not a checkpoint of the authors; the message lists missing, left-over
            and misshapen entries.
    """
    state = plain_state_dict(checkpoint)
    first = state.get('conv1.conv.module.weight')
    if first is None:
        raise ValueError(
            'expected an entry conv1.conv.module.weight, as in the generator and the '
            f'discriminator of the release; got {len(state)} entries (first keys: '
            f'{list(state)[:3]})'
        )
    is_generator = any(key.startswith('deconv') for key in state)
    name = 'generator' if is_generator else 'discriminator'
    state = {key: v for key, v in state.items() if not key.startswith(_UNUSED_NORMS[name])}
    with torch.device('meta'):
        if is_generator:
            private = (re.search(r'\.insnorm_(\d+)\.', key) for key in state)
            num_modalities = 1 + max((int(match[1]) for match in private if match), default=0)
            network = SharedMultimodalUnetGenerator(num_modalities, base_channels=len(first))
            converted, unknown = _rename_generator(state, num_modalities)
        else:
            network = MultimodalPatchDiscriminator(num_modalities=1, base_channels=len(first))
            converted, unknown = _rename_discriminator(state)
    converted = {f'{name}.{key}': value for key, value in converted.items()}
    expected = {f'{name}.{key}': value.shape for key, value in network.state_dict().items()}
    check_entries(converted, expected, unknown)
    return converted


def _rename_generator(state: StateDict, num_modalities: int) -> tuple[StateDict, list]:
    converted, unknown = {}, []
    for key, value in state.items():
        if key == 'alpha':
            converted[key] = value
            continue
        match = re.fullmatch(
            r'(?P<kind>conv|deconv)(?P<step>\d+)\.'
            r'((?P=kind)\.module|insnorm_(?P=kind)\.insnorm_(?P<modality>\d+))\.(?P<leaf>\w+)',
            key,
        )
        if match is None:
            unknown.append(key)
            continue
        part = 'encoder' if match['kind'] == 'conv' else 'decoder'
        ours = f'{part}.{int(match["step"]) - 1}'
        if match['modality'] is None:
            converted[f'{ours}.conv.{match["leaf"]}'] = value
        else:
            start, end = match.span('modality')
            pattern = f'{key[:start]}{{}}{key[end:]}'
            converted[f'{ours}.in.{match["leaf"]}'] = stack_private(state, pattern, num_modalities)
    return converted, unknown


def _rename_discriminator(state: StateDict) -> tuple[StateDict, list]:
    converted, unknown = {}, []
    for key, value in state.items():
        match = re.fullmatch(r'conv([1-9]\d*)\.(conv|insnorm)\.module\.(\w+)', key)
        if match is None:
            unknown.append(key)
            continue
        # From the second step on, ours have three layers each: activation, convolution, norm.
        index = max(3 * int(match[1]) - 4, 0) + (match[2] == 'insnorm')
        converted[f'layers.{index}.{match[3]}'] = value
    return converted, unknown
