"""Leaves out samples that would stop a training."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ..findings.pairs import MINORITY
from ..findings.values import is_empty
from ..prints.fingerprint import Fingerprint
from .found_data import LABELS, FoundData


def leave_out_unusable(
    data: FoundData, fingerprint: Fingerprint
) -> tuple[FoundData, dict[str, str]]:
    """Leave out empty images, and samples that a training cannot use.

    A sample cannot be used if it has no label map, a file that cannot be read, images of different
    sizes, or no image that is not empty.

    Samples whose images have different sizes stay if they are many: then the whole data set needs
    a fixed copy, and an error says so.

    Args:
        data: The samples.
        fingerprint: What their files contain.

    Returns:
        The data without these samples, and the reason for each of them by its name.
    """
    reasons = {
        sample.name: 'it has no label map'
        for sample in data.samples
        if LABELS in data.columns and LABELS not in sample.files
    }
    sizes: dict[str, dict[str, tuple[int, int]]] = {}
    for name, path, error, size in _files(data, fingerprint):
        if error is not None:
            reasons.setdefault(name, f'{path} cannot be read: {error}')
        else:
            sizes.setdefault(name, {})[path] = size
    uneven = {name: own for name, own in sizes.items() if len(set(own.values())) > 1}
    if len(uneven) <= MINORITY * len(data.samples):
        for name, own in uneven.items():
            usual, _ = Counter(own.values()).most_common(1)[0]
            path, (height, width) = next(item for item in own.items() if item[1] != usual)
            reasons.setdefault(
                name,
                f'{path} has {width} x {height} pixels, and the other files of the sample have '
                f'{usual[1]} x {usual[0]}',
            )
    empty = {
        (name, modality)
        for modality in data.modalities
        for name, image in fingerprint.images(modality)
        if is_empty(image)
    }
    samples = []
    for sample in data.samples:
        files = {c: path for c, path in sample.files.items() if (sample.name, c) not in empty}
        if not files.keys() - {LABELS}:
            reasons.setdefault(sample.name, 'all its images are empty')
        if sample.name not in reasons:
            samples.append(replace(sample, files=files))
    return replace(data, samples=tuple(samples)), reasons


def _files(
    data: FoundData, fingerprint: Fingerprint
) -> Iterator[tuple[str, str, str | None, tuple[int, int]]]:
    """Yield sample, path, error and size of every file."""
    for modality in data.modalities:
        for name, image in fingerprint.images(modality):
            yield name, image.path, image.error, image.size
    if LABELS in data.columns:
        for name, label in fingerprint.labels():
            yield name, label.path, label.error, label.size
