"""What the label maps hold, as classes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmamf.planning.choice import Choice
from mmamf.planning.counted import counted
from mmamf.planning.prints.fingerprint import LabelSummary

IGNORE = 255  # the class index that marks pixels of no class
LISTED = 20  # classes that a reason names; the report has all
TRAINABLE = ('indices', 'palette', 'colors', '0/255')


def choose_labels(labels: LabelSummary) -> Choice:
    """Choose how label files become class indices.

    Returns:
        Keys of the data set and of LoadLabelMap: ``colors``, ``ignore_index``,
        ``reduce_zero_label``; those that have their default are left out.

    Raises:
        ValueError: If the label maps do not hold classes.
    """
    if labels.coding not in TRAINABLE:
        raise ValueError(
            f'label maps: expected one of {TRAINABLE}, which say the class of each pixel, got '
            f'{labels.coding!r} in {counted(labels.count, "file")}'
        )
    value: dict[str, Any] = {}
    reasons = [f'{counted(labels.count, "label map holds", "label maps hold")} {_coding(labels)}.']
    if labels.mapping is not None:
        value['colors'] = dict(labels.mapping)
        values = counted(len(labels.mapping), 'value is', 'values are')
        classes = counted(labels.num_classes, 'class', 'classes')
        reasons.append(f'{values} mapped to {classes}.')
    ignored = ['nan' if is_nan(v) else _whole(v) for v in labels.ignore if v != IGNORE]
    if ignored:
        value['ignore_index'] = ignored[0] if len(ignored) == 1 else ignored
    if labels.ignore:
        reasons.append(f'Pixels of {", ".join(map(str, labels.ignore))} have no class.')
    if labels.reduce_zero_label:
        value['reduce_zero_label'] = True
        reasons.append('0 means "no class", so class 0 is stored as 1.')
    return Choice(value, ' '.join(reasons))


def choose_classes(labels: LabelSummary, names: Sequence[str], file: str = '') -> Choice:
    """Choose the names of the classes; numbers stand for those that no file names.

    Args:
        labels: What the label maps hold.
        names: The known names.
        file: The file that says them; '' if an argument does.

    Raises:
        ValueError: If there are fewer names than classes.
    """
    count = labels.num_classes
    shares = class_shares(labels, 'train', max(count, len(names)))
    place = f' in {file}' if file else ''
    if names and len(names) < count:
        raise ValueError(
            f'classes: expected at least {counted(count, "name")}, one for each class of the label '
            f'maps, got {len(names)}{place}: {", ".join(names)}'
        )
    if names:
        reason = f'{counted(len(names), "name is", "names are")}{place or " given"}.'
    elif labels.coding == '0/255' and count == 2:
        names, reason = ('background', 'foreground'), 'Masks of two values, without names.'
    else:
        names, reason = tuple(f'class_{i}' for i in range(count)), 'No file names them.'
    listed = some_of([f'{name} {percent(share)}' for name, share in zip(names, shares)])
    return Choice(tuple(names), f'{reason} Share of the training pixels: {listed}.')


def class_pixels(labels: LabelSummary, side: str) -> dict[int, int]:
    """Count the pixels of each class on one side of the split."""
    return _by_class(labels, labels.pixels.get(side, {}))


def class_images(labels: LabelSummary, side: str) -> dict[int, int]:
    """Count the label maps that hold each class on one side of the split."""
    return _by_class(labels, labels.images.get(side, {}))


def class_shares(labels: LabelSummary, side: str, num_classes: int) -> list[float]:
    """Compute each class's share of the pixels that have a class."""
    pixels = class_pixels(labels, side)
    total = sum(pixels.values()) or 1
    return [pixels.get(index, 0) / total for index in range(num_classes)]


def percent(share: float) -> str:
    """Write a share with two digits."""
    return f'{share * 100:.2g} %' if share < 0.1 else f'{share * 100:.0f} %'


def some_of(texts: Sequence[str]) -> str:
    """List texts, of many only the first."""
    more = f' and {len(texts) - LISTED} more' if len(texts) > LISTED else ''
    return ', '.join(texts[:LISTED]) + more


def is_nan(value: Any) -> bool:
    """Tell whether a stored value is NaN."""
    return value == 'nan' or (isinstance(value, float) and math.isnan(value))


def _by_class(labels: LabelSummary, counts: Mapping) -> dict[int, int]:
    found: dict[int, int] = {}
    for value, count in counts.items():
        index = _class_of(labels, value)
        if index is not None:
            found[index] = found.get(index, 0) + count
    return found


def _class_of(labels: LabelSummary, value: Any) -> int | None:
    """Return the class index of a stored value; None if it has no class."""
    if value in labels.ignore or is_nan(value):
        return None
    index = value if labels.mapping is None else labels.mapping.get(value)
    if index is None or index == IGNORE:
        return None
    index = int(index) - (1 if labels.reduce_zero_label else 0)
    return index if 0 <= index < IGNORE else None


def _coding(labels: LabelSummary) -> str:
    words = {'palette': 'indices of a palette', '0/255': 'gray values in place of indices'}
    return words.get(labels.coding, labels.coding)


def _whole(value: float) -> float:
    return int(value) if float(value).is_integer() else value
