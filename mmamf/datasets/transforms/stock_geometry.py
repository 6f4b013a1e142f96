"""The geometric transforms of mmcv and mmseg: how they move pixels, and how to set that."""

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

COPIES = (RandomFlip, RandomCrop)  # move pixels without mixing or filling
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
    """RandomRotFlip that can fill its border, keeps label values, and returns its turn matrix."""

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
    """Copy a transform, with another interpolation and other fill values.

    Args:
        step: The transform.
        interpolation: Interpolation of the image.
        fill: Fill value for each channel of the image.
        label_fill: Fill value for each channel of the label map; None keeps the transform's own.
    """
    step = copy.copy(step)
    settings = dict(interpolation=interpolation, pal_val=fill, fill_in=fill)
    if label_fill is not None:
        settings.update(seg_pad_val=label_fill, seg_fill_in=label_fill)
    if isinstance(step, Pad):
        settings['pad_val'] = _paddings(step.pad_val, fill, label_fill)
    elif isinstance(step, RandomMosaic):
        settings['pad_val'] = fill[0]
    elif isinstance(step, CenterCrop):
        own = step.pad_cfg.get('pad_val')
        settings['pad_cfg'] = {**step.pad_cfg, 'pad_val': _paddings(own, fill, label_fill)}
    elif hasattr(step, 'resize'):
        settings['resize'] = with_settings(step.resize, interpolation, fill, label_fill)
    vars(step).update({key: value for key, value in settings.items() if hasattr(step, key)})
    return step


def _paddings(given: Any, fill: tuple, label_fill: tuple | None) -> dict:
    own = given.get('seg', 255) if isinstance(given, dict) else 255
    return dict(img=fill, seg=own if label_fill is None else label_fill)
