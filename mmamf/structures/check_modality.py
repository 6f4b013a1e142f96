"""Refuses descriptions of modalities that are not possible."""

import math
import re
from typing import TYPE_CHECKING, Any

from mmamf.ensemble import ENSEMBLE

from .dtypes import DTYPES, READ_AS, can_hold
from .listed import listed

if TYPE_CHECKING:
    from .modality import Modality

KINDS = ('image', 'depth', 'normal', 'normal_y_down', 'edge')
INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')
# Samples have keys `modality_<name>`, and scalars `<name>/mIoU`: these names have a meaning there.
RESERVED = ('paths', ENSEMBLE, 'img_path', 'seg_map_path')


def check_modality(modality: 'Modality') -> None:
    """Refuse a description that is not possible.

    Raises:
        ValueError: If a value is wrong, or values contradict each other.
    """
    _check_name(modality.name)
    if modality.kind not in KINDS:
        modality.refuse(f'kind to be one of {KINDS}', modality.kind)
    if modality.channels is not None:
        _check_channels(modality)
    if modality.dtype is not None and modality.dtype not in DTYPES:
        read_as = READ_AS.get(str(modality.dtype))
        hint = f' ({modality.dtype} is read as {read_as})' if read_as else ''
        modality.refuse(f'dtype to be one of {DTYPES}{hint}', modality.dtype)
    if modality.interpolation not in (None, *INTERPOLATIONS):
        modality.refuse(f'interpolation to be one of {INTERPOLATIONS}', modality.interpolation)
    _check_missing(modality)
    _check_numbers(modality)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch('[A-Za-z][A-Za-z0-9_]*', name):
        raise ValueError(
            f'modalities: expected names of letters, digits and underscores, got {name!r}'
        )
    if name in RESERVED:
        raise ValueError(f'modalities: expected a name other than {RESERVED}, got {name!r}')


def _check_channels(modality: 'Modality') -> None:
    channels = modality.channels
    if isinstance(channels, list | tuple):
        whole = all(type(band) is int and band >= 0 for band in channels)
        if not channels or not whole or len(set(channels)) < len(channels):
            modality.refuse('channels to be a list of distinct indices from 0', channels)
    elif type(channels) is not int or channels < 1:
        modality.refuse('channels >= 1', channels)
    if modality.bgr_to_rgb and modality.num_channels != 3:
        modality.refuse('3 channels with bgr_to_rgb=True', modality.num_channels)
    if modality.turns and modality.num_channels != 3:
        modality.refuse(f'3 channels of the kind {modality.kind!r}', channels)


def _check_missing(modality: 'Modality') -> None:
    values = modality.missing_values
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not numbers or (modality.missing is not None and not values):
        modality.refuse('`missing` to be a number or a list of numbers', modality.missing)
    if values and modality.dtype and not any(can_hold(modality.dtype, value) for value in values):
        modality.refuse(
            f'a `missing` that files of dtype {modality.dtype} can hold', modality.missing
        )
    if modality.valid_range is not None:
        limits = modality.valid_range
        pair = isinstance(limits, list | tuple) and len(limits) == 2
        if not pair or not limits[0] < limits[1]:
            modality.refuse('valid_range to be (smallest, largest)', limits)


def _check_numbers(modality: 'Modality') -> None:
    if not isinstance(modality.scale, int | float) or not 0 < modality.scale < math.inf:
        modality.refuse('scale > 0', modality.scale)
    count = modality.num_channels
    for key in ('mean', 'std', 'fill'):
        given = getattr(modality, key)
        values = listed(given)
        finite = all(isinstance(v, int | float) and math.isfinite(v) for v in values)
        several = isinstance(given, list | tuple)
        if not finite or (several and count is not None and len(values) != count):
            several = 'a list' if count is None else count
            modality.refuse(f'{key} to be a number, or {several} of them, one per channel', given)
    given = [key for key in ('mean', 'std', 'fill') if getattr(modality, key) is not None]
    if not modality.calibrated and (given or modality.scale != 1):
        told = given or ['scale']
        modality.refuse(f'no {", ".join(told)} with calibrated=False', getattr(modality, told[0]))
    if modality.std is not None and min(listed(modality.std)) <= 0:
        modality.refuse('std > 0', modality.std)
