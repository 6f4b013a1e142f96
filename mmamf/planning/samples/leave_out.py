"""Leaves out samples that would stop a training."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ..counted import counted
from ..findings.pairs import MINORITY
from ..findings.values import is_empty
from ..prints.fingerprint import Fingerprint
from ..prints.mixed_files import count_read_dtypes, most, read_dtype, staying
from .found_data import LABELS, FoundData


def leave_out_unusable(
    data: FoundData, fingerprint: Fingerprint
) -> tuple[FoundData, dict[str, str]]:
    """Leave out empty images, and samples that a training cannot use.

    A sample cannot be used if it has no label map, a file that cannot be read, images of different
    sizes, an image of another dtype or number of channels than most of its modality, or no image
    that is not empty.

    Samples whose images have different sizes stay if they are many: then the whole data set needs
    a fixed copy, and an error says so. The same holds for other dtypes and numbers of channels.

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
    for name, reason in _odd_files(data, fingerprint):
        reasons.setdefault(name, reason)
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


def _odd_files(data: FoundData, fingerprint: Fingerprint) -> Iterator[tuple[str, str]]:
    """Yield the samples with a file that loading refuses beside the others, and the reason."""
    for modality in data.modalities:
        summary = fingerprint.modalities[modality]
        if not summary.count:
            continue
        dtypes = staying(count_read_dtypes(summary.dtypes))
        channels = staying(summary.channels)
        for name, image in fingerprint.images(modality):
            if image.error is not None:
                continue
            others = f'and most files of {modality} have'
            if len(image.bands) not in channels:
                found = counted(len(image.bands), 'channel')
                yield name, f'{image.path} has {found}, {others} {most(channels)}'
            elif read_dtype(image.dtype) not in dtypes:
                yield name, f'{image.path} has the dtype {image.dtype}, {others} {most(dtypes)}'


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
