"""Summarizes the prints of one modality."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from .file_prints import ImagePrint
from .modality_rules import (
    ValueCounts,
    collect_missing,
    guess_kind,
    guess_unit,
    is_colored,
    zeros_are_missing,
)
from .summaries import ModalitySummary
from .value_bins import bin_edges

MOST_NODATA = 100  # different values; more are no declaration but noise


@dataclass
class _Tally:
    """Sums over the files that have one number of bands and one dtype."""

    bands: int
    files: int = 0
    pixels: int = 0
    not_finite: int = 0
    all_zero: int = 0
    blank: int = 0  # pixels of images that have nothing but zeros
    saturated: int = 0
    zeros: np.ndarray = field(init=False)
    smallest: np.ndarray = field(init=False)
    largest: np.ndarray = field(init=False)
    count: np.ndarray = field(init=False)
    train: np.ndarray = field(init=False)  # count, sum, squares, zeros of the training samples
    train_all_zero: int = 0
    histogram: np.ndarray | int = 0
    sentinels: Counter = field(default_factory=Counter)
    constant: np.ndarray = field(init=False)
    equal: set | None = None

    def __post_init__(self) -> None:
        self.zeros, self.count = np.zeros((2, self.bands))
        self.smallest, self.largest = np.full((2, self.bands), np.nan)
        self.train = np.zeros((4, self.bands))
        self.constant = np.ones(self.bands, bool)

    def add(self, image: ImagePrint, in_training: bool) -> None:
        height, width = image.size
        self.files += 1
        self.pixels += height * width
        self.not_finite += image.not_finite
        self.all_zero += image.all_zero
        self.blank += 0 if any(band.count for band in image.bands) else height * width
        self.saturated += sum(band.saturated for band in image.bands)
        self.histogram = self.histogram + np.array(image.histogram, np.float64)
        self.sentinels.update(image.sentinels)
        self.constant &= [band.constant for band in image.bands]
        pairs = {*image.equal_bands}
        self.equal = pairs if self.equal is None else self.equal & pairs
        sums = np.array([(b.count, b.sum, b.squares, b.zeros) for b in image.bands], np.float64).T
        extremes = np.array([(b.smallest, b.largest) for b in image.bands]).T
        self.count += sums[0]
        self.zeros += sums[3]
        self.smallest = np.fmin(self.smallest, extremes[0])
        self.largest = np.fmax(self.largest, extremes[1])
        if in_training:
            self.train += sums
            self.train_all_zero += image.all_zero


def summarize_modality(
    name: str, prints: Iterable[tuple[str, ImagePrint]], train: Collection[str]
) -> ModalitySummary:
    """Summarize the prints of a modality, one by one.

    Values are those of the files that have the most frequent dtype and number of bands; the
    numbers of other files are in ``dtypes`` and ``channels``.

    Args:
        name: Name of the modality.
        prints: The name of each sample and the print of its file.
        train: Names of the training samples, whose readings give mean and standard deviation. If it
            is empty, all samples give them.
    """
    formats, dtypes, channels, sizes = Counter(), Counter(), Counter(), Counter()
    nodata, tallies = set(), {}
    for sample, image in prints:
        if image.error is not None:
            continue
        bands = len(image.bands)
        formats[image.format] += 1
        dtypes[image.dtype] += 1
        channels[bands] += 1
        sizes[image.size] += 1
        if len(nodata) < MOST_NODATA:
            nodata.update(image.nodata)
        tally = tallies.setdefault((image.dtype, bands), _Tally(bands))
        tally.add(image, not train or sample in train)
    counters = [dict(c.most_common()) for c in (formats, dtypes, channels, sizes)]
    if not tallies:
        return _nothing(counters)
    (dtype, _), tally = max(tallies.items(), key=lambda item: item[1].files)
    return _summarize(name, dtype, tally, nodata, counters)


def _summarize(
    name: str, dtype: str, tally: _Tally, nodata: set[float], counters: list[dict]
) -> ModalitySummary:
    edges = bin_edges(dtype)
    pixels = tally.pixels * tally.bands
    values = ValueCounts(
        dtype, pixels, int(tally.zeros.sum()), tally.all_zero, tally.bands, tally.histogram, edges
    )
    kind = guess_kind(name, values, _squared_length(dtype, tally))
    zeros = zeros_are_missing(kind, values) or 0 in nodata
    unit, scale = guess_unit(kind, name, values)
    # a pixel of 8-bit colors is missing if all its channels are, as in training
    together = dtype == 'uint8' and tally.bands > 1
    readings = tally.count + tally.zeros
    seen = pixels
    if zeros:
        readings = readings - (tally.all_zero if together else tally.zeros)
        seen -= tally.blank * tally.bands  # in these images, the modality counts as absent
    smallest, largest = _extremes(tally, zeros)
    mean, std = _moments(tally, zeros, together)
    equal = tuple(sorted(tally.equal or ()))
    return ModalitySummary(
        sum(counters[1].values()),
        *counters,
        smallest=smallest,
        largest=largest,
        mean=mean,
        std=std,
        missing=collect_missing(zeros, tally.not_finite, nodata, tally.sentinels, pixels),
        missing_share=float(1 - readings.sum() / seen) if seen else 1.0,
        saturated_share=tally.saturated / pixels,
        kind=kind,
        unit=unit,
        scale=scale,
        constant_bands=tuple(np.flatnonzero(tally.constant).tolist()),
        equal_bands=equal,
        colored=is_colored(kind, counters[1], tally.bands, equal),
        histogram=tuple(tally.histogram.astype(np.int64).tolist()),
        bins=tuple(edges.tolist()),
    )


def _nothing(counters: list[dict]) -> ModalitySummary:
    """Summarize a modality without any file that can be read."""
    no_bands = dict.fromkeys(('smallest', 'largest', 'mean', 'std', 'missing'), ())
    return ModalitySummary(
        0,
        *counters,
        **no_bands,
        missing_share=0.0,
        saturated_share=0.0,
        kind='image',
        unit='unknown',
        scale=1.0,
        constant_bands=(),
        equal_bands=(),
        colored=False,
        histogram=(),
        bins=(),
    )


def _extremes(tally: _Tally, zeros: bool) -> tuple[tuple, tuple]:
    """Return the smallest and largest reading of each band; 0 is one if it is not missing."""
    zero = np.where((tally.zeros > 0) & (not zeros), 0, np.nan)
    smallest, largest = np.fmin(tally.smallest, zero), np.fmax(tally.largest, zero)
    return tuple(smallest.tolist()), tuple(largest.tolist())


def _moments(tally: _Tally, zeros: bool, together: bool) -> tuple[tuple, tuple]:
    """Return mean and standard deviation of each band; NaN without any reading."""
    count, total, squares, number_of_zeros = tally.train
    if not zeros:
        count = count + number_of_zeros
    elif together:
        count = count + number_of_zeros - tally.train_all_zero
    with np.errstate(invalid='ignore', divide='ignore'):
        mean = total / count
        variance = np.maximum(squares / count - mean**2, 0)
    return tuple(mean.tolist()), tuple(np.sqrt(variance).tolist())


def _squared_length(dtype: str, tally: _Tally) -> float:
    """Return the mean squared length of vectors in three bands; integers mean -1 to 1."""
    if tally.bands != 3 or not tally.train[0].any():
        return np.nan
    count, total, squares, zeros = tally.train
    seen = count + zeros - tally.train_all_zero
    if dtype == 'uint8':
        half = 127.5
        return float(((squares - 2 * half * total + half**2 * seen) / half**2 / seen).sum())
    return float((squares / seen).sum()) if dtype.startswith('float') else np.nan
