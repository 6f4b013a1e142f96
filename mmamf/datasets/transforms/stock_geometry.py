"""The geometric transforms of mmcv and mmseg: what they do to pixels, and how that can be set."""

import copy
from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import (
    CenterCrop,
    Pad,
    RandomChoiceResize,
    RandomFlip,
    RandomResize,
    Resize,
)
from mmseg.datasets.transforms import (
    RandomCrop,
    RandomCutOut,
    RandomMosaic,
    RandomRotate,
    RandomRotFlip,
    ResizeShortestEdge,
    ResizeToMultiple,
)

from .random_scale import RandomScale
from .turn_normals import flip, rotation

COPIES = (RandomFlip, RandomCrop)  # move pixels, and neither mix nor invent any
FILLS = (Pad, CenterCrop, RandomRotate, RandomRotFlip, RandomCutOut, RandomMosaic)
RESIZES = (
    Resize,
    RandomResize,
    RandomChoiceResize,
    ResizeToMultiple,
    ResizeShortestEdge,
    RandomScale,
)


class TellingRotFlip(RandomRotFlip):
    """RandomRotFlip that can fill its border, leaves label maps alone, and tells how it turned."""

    pal_val, seg_pad_val = 0, 255

    def random_rotate(self, results: dict) -> dict:
        angle = np.random.uniform(min(*self.degree), max(*self.degree))
        results['turn'] = rotation(angle)
        results['img'] = mmcv.imrotate(results['img'], angle, border_value=self.pal_val)
        for key in results['seg_fields']:
            results[key] = mmcv.imrotate(
                results[key], angle, border_value=self.seg_pad_val, interpolation='nearest'
            )
        return results

    def random_rot_flip(self, results: dict) -> dict:
        quarters, axis = np.random.randint(0, 4), np.random.randint(0, 2)
        turn = flip('horizontal' if axis else 'vertical') @ rotation(-90 * quarters)
        results['turn'] = turn.round()
        for key in ('img', *results['seg_fields']):
            results[key] = np.flip(np.rot90(results[key], quarters), axis).copy()
        return results


def with_settings(step: Any, interpolation: str, fill: tuple, label_fill: tuple | None) -> Any:
    """Copy a transform, with another interpolation, and other values to fill with.

    Args:
        step: The transform.
        interpolation: Of the image.
        fill: A value for each channel of the image.
        label_fill: For each channel of the label map; None leaves what the transform has.
    """
    step = copy.copy(step)
    for key in ('resize', 'interpolation', 'pal_val', 'fill_in', 'pad_val', 'pad_cfg'):
        if not hasattr(step, key):
            continue
        value = getattr(step, key)
        if key == 'resize':
            value = with_settings(value, interpolation, fill, label_fill)
        elif key == 'interpolation':
            value = interpolation
        elif key == 'pad_cfg':
            value = {**value, 'pad_val': _paddings(value.get('pad_val', {}), fill, label_fill)}
        elif key == 'pad_val' and isinstance(step, Pad):
            value = _paddings(value, fill, label_fill)
        elif key == 'pad_val':
            value = fill[0]
        else:
            value = fill
        setattr(step, key, value)
    for key in ('seg_pad_val', 'seg_fill_in'):
        if label_fill is not None and hasattr(step, key):
            setattr(step, key, label_fill)
    return step


def _paddings(given: Any, fill: tuple, label_fill: tuple | None) -> dict:
    own = given.get('seg', 255) if isinstance(given, dict) else 255
    return dict(img=fill, seg=own if label_fill is None else label_fill)
