import re
from collections.abc import Mapping

import torch
from mmseg.registry import MODELS

from .official_state import StateDict, check_entries, plain_state_dict, stack_private

# The numbers of blocks in the first three stages tell the depth; only bottlenecks were released.
_DEPTHS = {(3, 4, 6): 50, (3, 4, 23): 101, (3, 8, 36): 152}

# Names in the release's decoder, by level (1 is the deepest) and step (counted from 1).
_DECODER = (
    (r'p_ims1d2_outl(\d)_dimred', 'reduce'),
    (r'adapt_stage(\d)_b\.0\.(\d)_conv', 'adapt.{}.conv1'),
    (r'adapt_stage(\d)_b\.0\.(\d)_conv_relu_varout_dimred', 'adapt.{}.conv2'),
    (r'adapt_stage(\d)_b2_joint_varout_dimred', 'join'),
    (r'mflow_conv_g(\d)_pool\.0\.(\d)_outvar_dimred', 'pool.convs.{}'),
    (r'mflow_conv_g(\d)_b\.0\.(\d)_conv', 'refine.{}.conv1'),
    (r'mflow_conv_g(\d)_b\.0\.(\d)_conv_relu_varout_dimred', 'refine.{}.conv2'),
    (r'mflow_conv_g(\d)_b3_joint_varout_dimred', 'out'),
)


def convert_official_segmentation(checkpoint: Mapping) -> StateDict:
    """Convert a checkpoint of the authors' segmentation network to one of ours.

    Args:
        checkpoint: A state dict of the release, either plain or under the key ``segmenter``, with
            or without the prefix ``module.`` that DataParallel adds.

    Returns:
        The state dict of the MultimodalSegmentor in ``configs/amf/`` with the same depth.

    Raises:
        ValueError: If it is not a checkpoint of the release; the message lists missing, left-over
            and misshapen entries.
    """
    state = plain_state_dict(checkpoint.get('segmenter', checkpoint))
    private = {int(m[1]) for key in state if (m := re.search(r'\.bn_(\d+)\.', key))}
    if not private:
        raise ValueError(
            'expected a checkpoint of the release, with private norms named bn_0, bn_1; '
            f'got one without any (first keys: {list(state)[:3]}). A plain ResNet checkpoint '
            "needs no conversion: load it with init_cfg=dict(type='Pretrained', checkpoint=...)"
        )
    num_modalities = max(private) + 1
    converted, unknown = _rename(state, num_modalities)
    check_entries(converted, _expected_shapes(state, num_modalities), unknown)
    return converted


def _rename(state: StateDict, num_modalities: int) -> tuple[StateDict, list]:
    """Rename every entry, and stack the private entries of the modalities."""
    converted, unknown = {}, []
    for key, value in state.items():
        stem, _, leaf = key.rpartition('.')
        private = re.fullmatch(r'(.+)\.bn_(\d+)', stem)
        if key == 'alpha':
            converted['decode_head.alpha'] = value
        elif private and private[2] != '0':
            continue  # stacked together with bn_0, below
        elif private:
            converted[f'backbone.{private[1]}.{leaf}'] = stack_private(
                state, f'{private[1]}.bn_{{}}.{leaf}', num_modalities
            )
        elif (ours := _rename_convolution(stem)) is not None:
            converted[f'{ours}.{leaf}'] = value
        else:
            unknown.append(key)
    return converted, unknown


def _rename_convolution(stem: str) -> str | None:
    if not stem.endswith('.module'):
        return None
    stem = stem[: -len('.module')]
    if re.match(r'conv1$|layer\d', stem):
        return f'backbone.{stem}'
    if stem == 'clf_conv':
        return 'decode_head.head.conv_seg'
    for pattern, ours in _DECODER:
        if match := re.fullmatch(pattern, stem):
            level, *steps = (int(number) - 1 for number in match.groups())
            return f'decode_head.head.levels.{level}.{ours.format(*steps)}'
    return None


def _expected_shapes(state: StateDict, num_modalities: int) -> dict[str, torch.Size]:
    """List the entries, with their shapes, of our network of the same depth and classes."""
    blocks = tuple(
        1
        + max(
            (int(m[1]) for key in state if (m := re.match(rf'layer{i}\.(\d+)\.', key))), default=-1
        )
        for i in (1, 2, 3)
    )
    if blocks not in _DEPTHS or 'clf_conv.module.weight' not in state:
        raise ValueError(
            f'expected one of these numbers of blocks in layer1, layer2, layer3: {list(_DEPTHS)}, '
            f'and an entry clf_conv.module.weight, got {blocks} blocks among {len(state)} entries'
        )
    with torch.device('meta'):
        backbone = MODELS.build(
            dict(
                type='SharedMultimodalResNet',
                depth=_DEPTHS[blocks],
                num_modalities=num_modalities,
            )
        )
        inner = dict(
            type='RefineNetHead',
            in_channels=[256, 512, 1024, 2048],
            in_index=[0, 1, 2, 3],
            num_classes=state['clf_conv.module.weight'].shape[0],
        )
        head = MODELS.build(
            dict(type='ModalityEnsembleHead', num_modalities=num_modalities, head=inner)
        )
    parts = {'backbone': backbone, 'decode_head': head}
    return {
        f'{name}.{key}': value.shape
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
