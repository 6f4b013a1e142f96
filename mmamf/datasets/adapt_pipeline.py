"""Adapts the stock transforms of a pipeline to any set of modalities."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmcv import transforms as mmcv_transforms
from mmengine.logging import print_log
from mmseg.datasets import transforms as mmseg_transforms

from mmamf.structures.modality import Modality

from .transforms.color_only import ColorOnly, is_color
from .transforms.each_modality import EachModality
from .transforms.mirror_normals import MirrorNormals
from .transforms.modality_dropout import ModalityDropout
from .transforms.stock_geometry import COPIES, FILLS, RESIZES

_GEOMETRIC = (*COPIES, *FILLS, *RESIZES)
_PHOTOMETRIC = (
    mmcv_transforms.RandomGrayscale,
    mmseg_transforms.PhotoMetricDistortion,
    mmseg_transforms.CLAHE,
    mmseg_transforms.AdjustGamma,
    mmseg_transforms.RGB2Gray,
)
_LEAVES = 'changes the first modality and the label map only'
_STATISTICS = 'mean, std and scale of its description'

# Stock loaders of labels. A user's subclass of them is not checked.
_UNCHECKED = (mmcv_transforms.LoadAnnotations, mmseg_transforms.LoadAnnotations)
# transform -> (what it does to several modalities, what to use instead)
_REFUSED = {
    mmcv_transforms.LoadImageFromFile: ('loads the first modality only', 'LoadMultimodalImages'),
    mmcv_transforms.MultiScaleFlipAug: ('builds its own Resize and RandomFlip', 'TestTimeAug'),
    mmseg_transforms.PackSegInputs: ('packs the first modality only', 'PackMultimodalSegInputs'),
    mmseg_transforms.SegRescale: ('resizes all modalities but the first', 'Resize'),
    mmseg_transforms.Albu: (_LEAVES, 'transforms of mmseg and mmcv'),
    mmseg_transforms.BioMedical3DPad: (_LEAVES, 'Pad'),
    mmseg_transforms.BioMedical3DRandomCrop: (_LEAVES, 'RandomCrop'),
    mmseg_transforms.BioMedical3DRandomFlip: (_LEAVES, 'RandomFlip'),
}


def adapt_pipeline(steps: list, descriptions: Mapping[str, Modality], mapped: bool = False) -> None:
    """Wrap the stock transforms of a pipeline in place, so that they treat each modality correctly.

    Geometric transforms run once for each modality, see :class:`EachModality`. Photometric
    transforms change only 8-bit color pictures, see :class:`ColorOnly`. Transforms inside wrappers
    (RandomApply, RandomChoice, TestTimeAug, ...) are wrapped there. Transforms inside a KeyMapper
    and transforms from other packages stay as they are.

    Args:
        steps: Built transforms of a multimodal data set, or of a data set that wraps one.
        descriptions: The data set's modalities.
        mapped: Whether the transforms are inside a KeyMapper.

    Raises:
        ValueError: If a transform would damage a modality. The error names the transform, the
            damage, and what to use instead.
    """
    for i, step in enumerate(steps):
        problem = _problem(step, mapped, descriptions)
        if problem:
            does, instead = problem
            raise ValueError(
                f'{type(step).__name__} in a pipeline of the modalities {tuple(descriptions)} '
                f'{does}; expected {instead} instead'
            )
        if isinstance(step, ModalityDropout):
            step.check_names(tuple(descriptions))
        if isinstance(step, _GEOMETRIC) and not mapped:
            _check_interpolation(step, descriptions)
            steps[i] = EachModality(step)
        elif isinstance(step, _PHOTOMETRIC) and not mapped:
            if not any(map(is_color, descriptions.values())):
                _say(f'{type(step).__name__} changes nothing: no modality is 8-bit color')
            steps[i] = ColorOnly(step)
        for children in _inside(step):
            adapt_pipeline(
                children, descriptions, mapped or isinstance(step, mmcv_transforms.KeyMapper)
            )


def walk_pipeline(steps: Iterable) -> Iterator[Any]:
    """Yield each transform, including those inside wrappers.

    Args:
        steps: Built transforms.
    """
    for step in steps:
        yield step
        for children in _inside(step):
            yield from walk_pipeline(children)


def _inside(step: Any) -> Iterator[list]:
    """Yield the lists of transforms that a wrapper applies."""
    if not isinstance(step, mmseg_transforms.Albu):  # its `transforms` are not ours
        for name in ('transforms', 'subroutines'):
            children = getattr(step, name, [])
            yield getattr(children, 'transforms', children)


def _problem(
    step: Any, mapped: bool, descriptions: Mapping[str, Modality]
) -> tuple[str, str] | None:
    """Return what is wrong with a transform and what to use instead."""
    if type(step) in _UNCHECKED:
        return 'reads labels unchecked and ignores ignore_index', 'LoadLabelMap'
    if len(descriptions) > 1:
        if type(step) in _REFUSED:
            return _REFUSED[type(step)]
        if mapped and isinstance(step, _GEOMETRIC):
            does = 'moves one modality only, inside KeyMapper or TransformBroadcaster'
            return does, 'it outside of them'
    if isinstance(step, MirrorNormals):
        does = 'mirrors the vectors twice, because flips already turn them with the picture'
        return does, "kind='normal' in the description"
    if isinstance(step, mmcv_transforms.Normalize) and not mapped:
        return 'normalizes, which the data preprocessor does again', _STATISTICS
    if isinstance(step, mmseg_transforms.Rerange) and not mapped:
        return 'changes the units of a modality', _STATISTICS
    if getattr(getattr(step, 'resize', step), 'backend', None) == 'pillow':
        return 'resizes 8 bits only', "backend='cv2'"
    return None


def _check_interpolation(step: Any, descriptions: Mapping[str, Modality]) -> None:
    """Warn if a transform's interpolation differs from the modalities' own."""
    given = getattr(getattr(step, 'resize', step), 'interpolation', None)
    own = {name: modality.resizing for name, modality in descriptions.items()}
    if given not in (None, 'bilinear', *([*own.values()] if len(set(own.values())) == 1 else [])):
        _say(
            f'{type(step).__name__}: interpolation={given!r} has no effect, because each modality '
            f'has its own: {own}. Say interpolation={given!r} in the description of a modality'
        )


def _say(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)
