"""Summarizes the prints of label maps."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from . import label_rules as rules
from .file_prints import LabelPrint
from .summaries import LabelSummary

MOST_VALUES = 4096  # of which totals are kept; instance numbers have no end
MOST_SETS = 1000
MOST_AREAS = 1000  # per value: the median of so many files does not change with more


class Coding(NamedTuple):
    """What stored values mean, see :class:`LabelSummary`."""

    coding: str
    ignore: tuple = ()
    mapping: Mapping | None = None
    reduce_zero_label: bool = False
    num_classes: int = 0


def summarize_labels(
    prints: Iterable[tuple[str, LabelPrint]],
    splits: Mapping[str, str | None],
    classes: tuple[str, ...] = (),
) -> LabelSummary:
    """Summarize the prints of label maps, one by one.

    Args:
        prints: The name of each sample and the print of its label map.
        splits: Split of each sample; a sample without one counts as 'train'.
        classes: Names of the classes, if they are known.
    """
    pixels, images = defaultdict(Counter), defaultdict(Counter)
    sizes, kinds, nodata, objects = Counter(), Counter(), set(), defaultdict(list)
    sets: set[frozenset] = set()  # of values that occur together
    for name, label in prints:
        if label.error is not None:
            continue
        side = splits.get(name) or 'train'
        found = label.colors or label.values
        pixels[side].update(found)
        images[side].update(found.keys())
        for counter in (pixels[side], images[side]):
            _forget_rare(counter)
        sizes[label.size] += 1
        kinds[_kind(label)] += 1
        if len(sets) < MOST_SETS:
            sets.add(frozenset(label.values) - {0, 'nan', *rules.VOIDS})
        nodata.update(label.nodata)
        for value, *measured in label.object_sizes:
            if len(objects[value]) < MOST_AREAS and len(objects) < MOST_VALUES:
                objects[value].append(measured)
    # one kind decides: colors and indices cannot be counted together
    (colored, lossy, has_palette), _ = kinds.most_common(1)[0] if kinds else ((False,) * 3, 0)
    total = sum(pixels.values(), Counter())
    total = Counter({key: n for key, n in total.items() if isinstance(key, tuple) == colored})
    objects = {key: found for key, found in objects.items() if isinstance(key, tuple) == colored}
    seen = sum(images.values(), Counter())
    if lossy:
        total = Counter(rules.find_peaks(total))
    count = sum(kinds.values())
    if colored:
        code = _code_colors(total, seen, count, len(classes))
    elif not classes and rules.count_objects(sets - {frozenset()}):
        code = Coding('instances')
    else:
        code = _code_values(total, seen, count, nodata, len(classes), has_palette)
    medians = _medians_of_classes(objects, code)
    return LabelSummary(
        count=count,
        coding=code.coding,
        pixels={side: dict(counter) for side, counter in pixels.items()},
        images={side: dict(counter) for side, counter in images.items()},
        ignore=code.ignore,
        mapping=code.mapping,
        reduce_zero_label=code.reduce_zero_label,
        num_classes=code.num_classes,
        sizes=dict(sizes.most_common()),
        median_area={index: area for index, (area, _) in medians.items()},
        median_width={index: width for index, (_, width) in medians.items()},
    )


def _kind(label: LabelPrint) -> tuple[bool, bool, bool]:
    return bool(label.colors), label.lossy, bool(label.palette)


def _forget_rare(counter: Counter) -> None:
    if len(counter) > 2 * MOST_VALUES:
        kept = counter.most_common(MOST_VALUES)
        counter.clear()
        counter.update(dict(kept))


def _code_colors(pixels: Mapping, images: Mapping, files: int, num_named: int) -> Coding:
    if all(len({*color}) == 1 for color in pixels):  # indices, saved as gray pictures
        grays = {color[0]: n for color, n in pixels.items()}
        code = _code_values(
            grays, {color[0]: images[color] for color in pixels}, files, set(), num_named, False
        )
        known = code.mapping or {v: int(v) - code.reduce_zero_label for v in grays}
        indices = {(v,) * 3: known.get(v, -1) for v in grays if v not in code.ignore}
        mapping = {(v,) * 3: rules.IGNORE for v in grays}
        mapping |= {color: index for color, index in indices.items() if index >= 0}
        return Coding('colors', (), mapping, False, code.num_classes)
    mapping = rules.order_colors(pixels, num_named)
    return Coding('colors', (), mapping, False, len({*mapping.values()} - {rules.IGNORE}))


def _code_values(
    pixels: Mapping, images: Mapping, files: int, nodata: set, num_named: int, has_palette: bool
) -> Coding:
    missing = tuple(value for value in ('nan',) if value in pixels)
    numbers = [v for v in pixels if v != 'nan' and v not in nodata]
    if not numbers:
        return Coding('unknown', (*missing, *sorted(nodata)))
    if any(value != int(value) for value in numbers):
        fractions = 0 <= min(numbers) and max(numbers) <= 1
        return Coding('fractions' if fractions else 'unknown', missing, num_classes=2 * fractions)
    if rules.looks_like_instances({v: images[v] for v in numbers}, files):
        return Coding('instances', missing)
    void = rules.find_void(numbers, num_named)
    ignore = (*sorted({*void, *nodata}), *missing)
    values = [value for value in numbers if value not in void]
    if rules.is_dense(values, num_named):
        reduce = rules.zero_is_void(values, num_named)
        number = max(num_named, int(max(values)) + (not reduce))
        return Coding('palette' if has_palette else 'indices', ignore, None, reduce, number)
    if 0 < len(values) <= rules.FEW_GRAYS and max(values) <= rules.IGNORE:
        return Coding('0/255', ignore, rules.order_grays(values), False, len(values))
    return Coding('palette' if has_palette else 'unknown', ignore)


def _medians_of_classes(
    objects: Mapping[Any, list[list[float]]], code: Coding
) -> dict[int, list[float]]:
    result = {}
    for value, found in sorted(objects.items(), key=lambda item: str(item[0])):
        if code.mapping is not None:
            index = code.mapping.get(value)
        else:
            index = None if value in code.ignore else int(value) - code.reduce_zero_label
        if index is not None and 0 <= index < code.num_classes:
            result[index] = np.median(found, axis=0).tolist()
    return dict(sorted(result.items()))
