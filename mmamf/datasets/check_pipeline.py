"""Refusing pipelines that would quietly damage some modality."""

from collections.abc import Iterable, Iterator, Mapping

from mmcv import transforms as mmcv_transforms
from mmseg.datasets import transforms as mmseg_transforms

from mmamf.structures import Modality

from .transforms import ModalityDropout

_PAD = "the data preprocessor's `size` or `size_divisor`, which pads after normalization"
_MMSEG = "mmseg's own, by default_scope='mmseg' or type='mmseg.{}'"
_TURN = 'RandomFlip, RandomResize and RandomCrop'
_FILLS = 'fills the further modalities with the value meant for labels (255)'
_LEAVES = 'changes the first modality and the label map only'
_INVENTS = 'puts readings into the first modality where there are none'
_MIXES = 'mixes missing readings of the first modality with their neighbors'

# transform -> (what it does to modalities past the first, what to use instead)
_REFUSED = {
    mmcv_transforms.Pad: (_LEAVES, _PAD),
    mmcv_transforms.CenterCrop: (_LEAVES, 'RandomCrop'),
    mmcv_transforms.Resize: (_LEAVES, _MMSEG.format('Resize')),
    mmcv_transforms.RandomFlip: (_LEAVES, _MMSEG.format('RandomFlip')),
    mmcv_transforms.LoadImageFromFile: ('loads the first modality only', 'LoadMultimodalImages'),
    mmseg_transforms.PackSegInputs: ('packs the first modality only', 'PackMultimodalSegInputs'),
    mmseg_transforms.RandomRotate: (_FILLS, _TURN),
    mmseg_transforms.RandomMosaic: (_FILLS, _TURN),
    mmseg_transforms.RandomRotFlip: ('interpolates the further modalities', _TURN),
    mmseg_transforms.SegRescale: ('resizes the further modalities, not the first', 'Resize'),
    mmseg_transforms.Albu: (_LEAVES, _TURN),
    mmseg_transforms.BioMedical3DPad: (_LEAVES, _PAD),
    mmseg_transforms.BioMedical3DRandomCrop: (_LEAVES, 'RandomCrop'),
    mmseg_transforms.BioMedical3DRandomFlip: (_LEAVES, 'RandomFlip'),
}
# stock loaders of labels: a subclass of the user's answers for itself
_UNCHECKED = (mmcv_transforms.LoadAnnotations, mmseg_transforms.LoadAnnotations)
# transforms that already move every modality, and must not be mapped over them a second time
_GEOMETRIC = (
    mmcv_transforms.Resize,
    mmcv_transforms.RandomFlip,
    mmseg_transforms.RandomCrop,
    mmseg_transforms.ResizeToMultiple,
)
# transforms that turn the first modality into 8 bits
_EIGHT_BITS = (
    mmseg_transforms.PhotoMetricDistortion,
    mmseg_transforms.CLAHE,
    mmseg_transforms.AdjustGamma,
)


def check_pipeline(pipeline: Iterable, descriptions: Mapping[str, Modality]) -> None:
    """Refuse transforms that leave modalities behind, fill them with label values or mix holes.

    Args:
        pipeline: Built transforms; wrappers (RandomApply, RandomChoice, TestTimeAug, ...) are
            looked into. Those of data sets around ours come after its own.
        descriptions: The data set's modalities.

    Raises:
        ValueError: With the transform, what it would do, and what to use instead.
    """
    steps = list(walk_pipeline(pipeline))
    modalities = tuple(descriptions)
    first = descriptions[modalities[0]]
    for step, _ in steps:
        if isinstance(step, ModalityDropout):
            step.check_names(modalities)

    for step, mapped in steps:
        problem = _problem(step, mapped, first, len(modalities) > 1)
        if problem:
            does, instead = problem
            raise ValueError(
                f'{type(step).__name__} in a pipeline of the modalities {modalities} {does}; '
                f'expected {instead} instead'
            )


def _problem(step: object, mapped: bool, first: Modality, several: bool) -> tuple[str, str] | None:
    """Return what is wrong with a transform and what to use instead; ``mapped``: in a KeyMapper."""
    if type(step) in _UNCHECKED:
        return 'reads labels unchecked and ignores ignore_index', 'LoadLabelMap'
    if several:
        if type(step) in _REFUSED:
            return _REFUSED[type(step)]
        if mapped and isinstance(step, _GEOMETRIC):
            return 'inside KeyMapper or TransformBroadcaster moves them twice', 'it outside'
        if getattr(step, 'seg_fill_in', None) is not None:
            return _FILLS, 'seg_fill_in=None'
        if getattr(step, 'swap_seg_labels', None):
            return 'swaps values of the further modalities like labels', 'no swap_seg_labels'
    if mapped:
        return None
    if isinstance(step, mmcv_transforms.Normalize):
        return 'normalizes twice', 'mean and std of the data preprocessor'
    if isinstance(step, _EIGHT_BITS):
        if first.channels and (first.num_channels, first.dtype) != (3, 'uint8'):
            return 'cuts the first modality to 8-bit colors', 'an 8-bit color modality first'
    if first.missing is not None:
        if isinstance(step, (mmseg_transforms.RandomRotate, mmseg_transforms.RandomRotFlip)):
            return _MIXES, _TURN
        if isinstance(step, mmseg_transforms.RandomMosaic):
            return _INVENTS, _TURN
        if isinstance(step, (mmcv_transforms.Resize, mmseg_transforms.ResizeToMultiple)):
            if step.interpolation != 'nearest':
                return _MIXES, "Resize, RandomResize or RandomScale with interpolation='nearest'"
    return None


def walk_pipeline(steps: Iterable, mapped: bool = False) -> Iterator[tuple[object, bool]]:
    """Yield each transform, also inside wrappers, and whether a KeyMapper applies it.

    Args:
        steps: Built transforms.
        mapped: Whether a KeyMapper applies all of them.
    """
    for step in steps:
        yield step, mapped
        if isinstance(step, mmseg_transforms.Albu):  # its `transforms` are not ours
            continue
        inside = mapped or isinstance(step, mmcv_transforms.KeyMapper)
        for name in ('transforms', 'subroutines'):
            children = getattr(step, name, ())
            yield from walk_pipeline(getattr(children, 'transforms', children), inside)
        if hasattr(step, 'resize'):  # RandomScale, RandomResize, RandomChoiceResize, ...
            yield from walk_pipeline([step.resize], inside)
