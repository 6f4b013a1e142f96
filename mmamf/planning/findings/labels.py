"""Checks of label maps."""

import re
from collections.abc import Iterator

from ..counted import counted
from ..prints.fingerprint import Fingerprint
from ..samples.found_data import FoundData
from .affected import SHOWN, Affected
from .finding import Finding

RARE = 0.01  # share of pixels below which plain cross-entropy tends to forget a class


def coded(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Label files that hold something else than class indices."""
    summary = fingerprint.label_summary
    if summary is None or summary.mapping is None:
        return
    shown = ', '.join(f'{key} -> {index}' for key, index in [*summary.mapping.items()][:6])
    if summary.coding == '0/255' and 255 in summary.mapping:
        yield Finding(
            'warning',
            'labels-0-255',
            f'The label maps hold gray values instead of class indices: {shown}.',
            'mmseg ignores 255, so a network trained on 0 and 255 learns to answer 0 everywhere.',
            'The plan maps them with LoadLabelMap(colors=...); --fix DIR writes indices.',
        )
    elif summary.coding == 'colors':
        yield Finding(
            'warning',
            'labels-colored',
            f'The label maps are pictures of {counted(len(summary.mapping), "color")}: {shown}.',
            'A loss needs class indices.',
            'The plan maps the colors with LoadLabelMap(colors=...); --fix DIR writes indices. '
            'Check the order of the classes, and name them: --classes.',
        )
    else:
        yield Finding(
            'note',
            'labels-gaps',
            f'The label values are not 0, 1, 2, ...: {shown}.',
            'Read as they are, the numbers between them would be classes, too.',
            'The plan maps them with LoadLabelMap(colors=...).',
        )


def fractions(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Labels between the classes."""
    summary = fingerprint.label_summary
    if summary is None:
        return
    broken, with_nan = Affected(), Affected()
    for _, label in fingerprint.labels():
        if any(isinstance(v, float) and v % 1 for v in label.values):
            broken.add(label.path)
        if 'nan' in label.values:
            with_nan.add(label.path)
    if summary.coding == 'fractions' or broken:
        yield Finding(
            'error',
            'labels-float',
            f'{counted(broken.count, "label map holds", "label maps hold")} numbers that are not '
            'whole.',
            'They are probabilities, or were resized with interpolation; a class index is whole.',
            '--fix DIR rounds them; better, export the labels again with "nearest".',
            **broken.of,
        )
    if with_nan:
        yield Finding(
            'note',
            'labels-nan',
            f'{counted(with_nan.count, "label map has", "label maps have")} NaN.',
            'NaN is no class.',
            'The plan ignores these pixels.',
            **with_nan.of,
        )


def lossy(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Labels saved as JPEG."""
    bad = Affected(label.path for _, label in fingerprint.labels() if label.lossy)
    if bad:
        yield Finding(
            'error',
            'labels-lossy',
            f'{counted(bad.count, "label map is", "label maps are")} saved in a lossy format.',
            'JPEG changes values near every border, so that there are classes that do not exist.',
            'Export them again as PNG from where they were drawn; --fix DIR takes the nearest '
            'frequent value of each pixel.',
            **bad.of,
        )


def palettes(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Palettes whose order differs between files."""
    first, other = None, Affected()
    for _, label in fingerprint.labels():
        if not label.palette:
            continue
        if first is None:
            first = label.palette
        elif label.palette != first:
            other.add(label.path)
    if other:
        yield Finding(
            'error',
            'palette-differs',
            f'{counted(other.count, "label map has", "label maps have")} another palette than '
            'the first.',
            'The same index has another color there, so it probably means another class.',
            '--fix DIR writes indices by color, in the order of the first palette.',
            **other.of,
        )


def instances(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """A number per object instead of per class."""
    summary = fingerprint.label_summary
    if summary is not None and summary.coding == 'instances':
        yield Finding(
            'error',
            'labels-instances',
            'The label maps number the objects, not the classes.',
            'The number of an object says nothing about its class.',
            'Export semantic label maps; --fix DIR makes two classes of them, 0 and "object". If '
            'the numbers are classes, name them: --classes.',
        )


def off_by_one(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Classes that start at 1."""
    summary = fingerprint.label_summary
    if summary is not None and summary.reduce_zero_label:
        yield Finding(
            'warning',
            'labels-off-by-one',
            'Class indices start at 1; 0 is used for no class.',
            'Read as they are, every class would have the name of its neighbor.',
            'The plan sets reduce_zero_label=True. If 0 is a class, name one class more: '
            '--classes.',
        )


def classes(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Names of classes that do not fit the labels."""
    summary, names = fingerprint.label_summary, data.classes
    if len(names) == 1 and re.search(r'[,;\s]', names[0].strip()):
        yield Finding(
            'error',
            'classes-string',
            f'The classes are given as one text: {names[0]!r}.',
            'It counts as the name of a single class.',
            'Give each name for itself, --classes floor wall, or in a file with a name per line.',
        )
    elif summary is not None and names and len(names) < summary.num_classes:
        yield Finding(
            'error',
            'classes-few',
            f'{counted(len(names), "class is", "classes are")} named, and the label maps have '
            f'{summary.num_classes}.',
            'Values without a name stop a training.',
            'Name all of them: --classes.',
        )


def presence(data: FoundData, fingerprint: Fingerprint) -> Iterator[Finding]:
    """Classes that are in no label, or on one side only, or rare."""
    summary = fingerprint.label_summary
    if summary is None or not summary.num_classes:  # the values are no classes
        return
    shares = class_shares(fingerprint)
    count = max(summary.num_classes, len(data.classes))
    named = [data.classes[i] if i < len(data.classes) else f'class_{i}' for i in range(count)]
    in_train = {i for i, share in shares.get('train', {}).items() if share}
    in_val = {i for i, share in shares.get('val', {}).items() if share}
    nowhere = [named[i] for i in range(count) if i not in in_train | in_val]
    if nowhere:
        yield Finding(
            'warning',
            'class-nowhere',
            f'{_count(nowhere, "in no label map")}.',
            'Nothing can be learned about them, and their IoU is not defined.',
            'Check the names and their order: --classes. The metric leaves them out.',
        )
    only_val = [named[i] for i in sorted(in_val - in_train)]
    if only_val:
        yield Finding(
            'warning',
            'class-val-only',
            f'{_count(only_val, "in val only")}.',
            'They cannot be learned, and count as 0 in the mean IoU.',
            'Choose another split: --seed 1, --share, or --split with lists of your own.',
        )
    only_train = [named[i] for i in sorted(in_train - in_val)] if in_val else []
    if only_train:
        yield Finding(
            'note',
            'class-train-only',
            f'{_count(only_train, "in train only")}.',
            'The validation says nothing about them.',
            'Choose another split: --seed 1, --share, or --split with lists of your own.',
        )
    rare = {named[i]: s for i, s in sorted(shares.get('train', {}).items()) if 0 < s < RARE}
    if rare:
        listed = [f'{name} ({100 * share:.2g} %)' for name, share in rare.items()]
        yield Finding(
            'note',
            'class-rare',
            f'{_count(listed, f"rarer than {100 * RARE:g} % of the pixels")}.',
            'Plain cross-entropy may never predict them.',
            'The plan chooses loss and sampling for them.',
        )


def _count(names: list[str], what: str) -> str:
    more = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
    return (
        f'{counted(len(names), "class is", "classes are")} {what}: {", ".join(names[:SHOWN])}{more}'
    )


def class_shares(fingerprint: Fingerprint) -> dict[str, dict[int, float]]:
    """Return the share of pixels of each class on each side, without ignored pixels."""
    summary = fingerprint.label_summary
    shares: dict[str, dict[int, float]] = {}
    for side, pixels in summary.pixels.items() if summary else ():
        counts: dict[int, int] = {}
        for value, count in pixels.items():
            index = class_of(summary, value)
            if index is not None:
                counts[index] = counts.get(index, 0) + count
        total = sum(counts.values())
        shares[side] = {index: count / total for index, count in counts.items()}
    return shares


def class_of(summary, value) -> int | None:
    """Return the class index of a stored value; None if it is ignored."""
    if value == 'nan' or value in summary.ignore:
        return None
    if summary.mapping is not None:
        index = summary.mapping.get(value)
        return None if index == 255 else index
    index = int(value) - summary.reduce_zero_label
    return index if index >= 0 else None


CHECKS = (coded, fractions, lossy, palettes, instances, off_by_one, classes, presence)
