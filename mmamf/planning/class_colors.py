"""Chooses the color in which a report paints each class."""

import math

import cv2
import numpy as np

from .findings.labels import class_of
from .prints.fingerprint import Fingerprint

Color = tuple[int, int, int]


def choose_colors(fingerprint: Fingerprint, count: int) -> list[Color]:
    """Choose a color (red, green, blue) for each class: that of the label files, if they have any.

    Files whose colors are shades of gray, or equal for two classes, get colors that differ.

    Args:
        fingerprint: What the label files contain.
        count: Number of classes.
    """
    own = _colors_of_files(fingerprint)
    colored = any(len({*color}) > 1 for color in own.values())
    differ = len({*own.values()}) == len(own)
    return [
        own.get(index, color) if colored and differ else color
        for index, color in enumerate(_different_colors(count))
    ]


def _colors_of_files(fingerprint: Fingerprint) -> dict[int, Color]:
    """Find the color of each class; of several, the one with the most pixels."""
    summary = fingerprint.label_summary
    if summary is None:
        return {}
    if summary.coding == 'colors':
        counts = [item for side in summary.pixels.values() for item in side.items()]
        counts = sorted(counts, key=lambda item: item[1])
        pairs = [(class_of(summary, color), color) for color, _ in counts]
    elif summary.coding == 'palette':
        label = next(label for _, label in fingerprint.labels() if label.palette)
        pairs = [(class_of(summary, i), color) for i, color in enumerate(label.palette_colors)]
        pairs = pairs[: summary.num_classes + summary.reduce_zero_label]
    else:
        return {}
    return {index: color for index, color in pairs if index is not None}


def _different_colors(count: int) -> list[Color]:
    """Choose colors that differ: steps of the golden angle in hue, two brightnesses."""
    hues = [int(i * 180 * (3 - math.sqrt(5)) / 2) % 180 for i in range(count)]
    hsv = np.uint8([[(hue, 200, 235 if i % 2 else 165) for i, hue in enumerate(hues)]])
    colors = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0].tolist() if count else []
    return [tuple(color) for color in colors]
