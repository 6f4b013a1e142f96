"""The description of each modality, and what to do about samples that lack one."""

import math
import re
from collections.abc import Mapping
from typing import Any

from mmamf.planning.choice import Choice
from mmamf.planning.counted import counted
from mmamf.planning.prints.fingerprint import ModalitySummary
from mmamf.planning.prints.mixed_files import count_read_dtypes, most, staying
from mmamf.planning.samples.path_words import SEQUENCES
from mmamf.structures.dtypes import can_hold

from .labels import percent

RATE = 0.5  # as the default of MultimodalSegmentor, whose import would take seconds
FEW = 0.05  # of the samples; fewer lack a modality by accident, and dropout costs accuracy
DIGITS = 4  # of means: more are noise
DARK = 1e-6  # smallest std in units: a modality without contrast would be divided by 0


def describe_modality(name: str, summary: ModalitySummary, lacking: int, samples: int) -> Choice:
    """Describe a modality.

    Args:
        name: Its name.
        summary: Its files.
        lacking: Number of samples without a file, or with a file without any reading.
        samples: Number of samples.

    Returns:
        The keys of :class:`mmamf.structures.Modality`; those that have their default are left out.
    """
    dtype, mixed = _choose_dtype(summary)
    kept, dropped = _choose_bands(summary)
    value: dict[str, Any] = dict(name=name, channels=_channels(summary, kept), dtype=dtype)
    reasons = [
        f'{name}: {counted(summary.count, "file")}, {_listed(summary.formats)}, {dtype}.',
        mixed,
    ]
    if (
        isinstance(value['channels'], int)
        and value['channels'] == 3
        and 'NPY' not in summary.formats
    ):
        value['bgr_to_rgb'] = True
    if dropped:
        reasons.append(f'Bands left out: {"; ".join(dropped)}.')
    if summary.kind != 'image':
        value['kind'] = summary.kind
    # 'nan', as mmengine cannot read float('nan') back from a config that it has saved
    missing = ['nan' if v != v else _plain(v) for v in summary.missing if can_hold(dtype, v)]
    if missing:
        value['missing'] = missing[0] if len(missing) == 1 else missing
        reasons.append(f'{percent(summary.missing_share)} of the pixels have no reading.')
    if is_uncalibrated(name):
        value['calibrated'] = False
        reasons.append(
            'Numbers of magnetic resonance have no unit and differ between scans, so each image is '
            'normalized by itself.'
        )
    else:
        if summary.scale != 1:
            value['scale'] = summary.scale
            reasons.append(f'Files are in {summary.unit}, the network gets meters.')
        value['mean'] = _numbers(summary.mean, kept, summary.scale)
        value['std'] = _numbers(summary.std, kept, summary.scale, DARK)
    if lacking:
        value['optional'] = True
        reasons.append(
            f'{lacking} of {counted(samples, "sample")} {"lacks" if lacking == 1 else "lack"} it.'
        )
    return Choice(value, ' '.join(filter(None, reasons)))


def is_uncalibrated(name: str) -> bool:
    """Tell from the name of a modality whether its numbers mean something else in each scan.

    On slices of three patients, lesions of the third were found with this rule (30 % IoU), and not
    without (docs/planning.md).
    """
    return not SEQUENCES.isdisjoint(re.split('[^a-z0-9]+', name.lower()))


def choose_interpolation(description: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """Add 'area' to the description of an image that shrinks to less than half.

    Bilinear interpolation would skip pixels then.
    """
    if scale < 0.5 and description.get('kind', 'image') == 'image':
        return {**description, 'interpolation': 'area'}
    return dict(description)


def choose_exchange_dropout(lacking: Mapping[str, int], samples: int) -> Choice:
    """Choose how often modalities exchange nothing, to learn to do without the others.

    Args:
        lacking: Number of training samples that lack each modality that some sample lacks.
        samples: Number of training samples.

    Returns:
        The rate; None leaves the config as it is.
    """
    if not lacking:
        return Choice(None, 'No sample lacks a modality.')
    told = ', '.join(f'{name} in {count}' for name, count in lacking.items())
    if max(lacking.values()) < FEW * samples:
        reason = f'Of {samples} training samples, few lack a modality ({told}).'
        return Choice(0, f'{reason} So modalities always exchange features.')
    return Choice(
        RATE,
        f'Of {samples} training samples, some lack a modality ({told}). So in half of the batches '
        'they exchange nothing, or only in groups, and learn to do without the others.',
    )


def _choose_dtype(summary: ModalitySummary) -> tuple[str, str]:
    """Return the dtype as it is read, and a remark on files of another one."""
    counts = count_read_dtypes(summary.dtypes)
    dtype = most(counts)
    others = sum(counts.values()) - counts[dtype]
    if not others:
        return dtype, ''
    files = f'{counted(others, "file")} of another dtype'
    if len(staying(counts)) == 1:
        return dtype, f'{files} left out.'
    return dtype, f'{files} must be converted: loading refuses others.'


def _choose_bands(summary: ModalitySummary) -> tuple[list[int], list[str]]:
    """Return the bands that carry information, and why the others do not.

    With files of different numbers of bands, only those are taken that all have. Few files with
    another number are left out instead.
    """
    channels = staying(summary.channels)
    shared = min(channels)
    repeats = {max(pair): min(pair) for pair in summary.equal_bands}
    constant = {band for band in summary.constant_bands if band < shared}
    if len(constant) == shared:
        return [*range(shared)], []
    kept, dropped = [], []
    for band in range(max(channels)):
        if band >= shared:
            dropped.append(f'{band} is not in all files')
        elif band in constant:
            dropped.append(f'{band} is constant')
        elif band in repeats and repeats[band] not in constant:
            dropped.append(f'{band} equals {repeats[band]}')
        else:
            kept.append(band)
    return kept, dropped


def _channels(summary: ModalitySummary, kept: list[int]) -> int | list[int]:
    """Say which channels to take: their number if all are taken in the order of the loader.

    A list takes them in the order of the file. It is needed if only some formats store color as
    BGR, because the description has one order for all files.
    """
    arrays = summary.formats.get('NPY', 0)
    is_mixed = 0 < arrays < sum(summary.formats.values())
    channels = staying(summary.channels)
    if len(channels) > 1 or [*kept] != [*range(max(channels))]:
        return kept
    return kept if len(kept) == 3 and is_mixed else len(kept)


def _numbers(
    values: tuple[float, ...], kept: list[int], scale: float, smallest: float = -math.inf
) -> float | list[float]:
    numbers = [_rounded(max(values[band] * scale, smallest)) for band in kept]
    return numbers[0] if len(numbers) == 1 else numbers


def _rounded(value: float) -> float:
    return float(f'{value:.{DIGITS}g}')


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else value


def _listed(counts: Mapping[str, int]) -> str:
    return '/'.join(counts) if counts else 'unknown format'
