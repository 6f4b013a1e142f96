"""The fingerprint of a data set: what its files contain, in few numbers.

THE CONTRACT (bodies to be written).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .file_prints import ImagePrint, LabelPrint
from .found_data import FoundData


@dataclass(frozen=True)
class ModalitySummary:
    """All images of one modality together.

    Args:
        count: Number of files that can be read.
        formats: Number of files by format.
        dtypes: Number of files by dtype.
        channels: Number of files by number of channels.
        sizes: Number of files by (H, W).
        smallest: Smallest reading of each band over all files.
        largest: Largest reading of each band.
        mean: Mean of the readings of each band, without ``missing``, in units of the file.
        std: Their standard deviation.
        missing: Values that mean "no reading": 0 if zeros are a peak apart, NaN, the TIFF's own,
            sentinels.
        missing_share: Share of pixels without reading.
        saturated_share: Share of pixels at the largest value of the dtype.
        kind: 'image', 'depth', 'normal' or 'edge': a guess from name and values.
        unit: 'mm', 'm', 'disparity', '8-bit' (a stretched quantity), 'color', 'unknown'.
        scale: Factor from the file's numbers to meters (mm: 0.001), else 1.
        constant_bands: Indices of bands that are constant in all files.
        equal_bands: Pairs of bands that are equal in all files.
        colored: Whether it is a color picture of 3 bands (red, green, blue).
        histogram: Readings per bin over all files.
        bins: Edges of the bins.
    """

    count: int
    formats: Mapping[str, int]
    dtypes: Mapping[str, int]
    channels: Mapping[int, int]
    sizes: Mapping[tuple[int, int], int]
    smallest: tuple[float, ...]
    largest: tuple[float, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    missing: tuple[float, ...]
    missing_share: float
    saturated_share: float
    kind: str
    unit: str
    scale: float
    constant_bands: tuple[int, ...]
    equal_bands: tuple[tuple[int, int], ...]
    colored: bool
    histogram: tuple[int, ...]
    bins: tuple[float, ...]


@dataclass(frozen=True)
class LabelSummary:
    """All label maps together.

    Args:
        count: Number of files that can be read.
        coding: 'indices', 'palette', 'colors', '0/255' (two values, 0 and 255, or a gray value in
            place of an index), 'fractions', 'instances', or 'unknown'.
        pixels: Number of pixels of each stored value or color, over all files, by side:
            {'train': {value: pixels}, 'val': {...}}.
        images: Number of files with each value, by side, in the same form.
        ignore: Stored values that mean "no class" (255 with indices; NaN; a TIFF's nodata).
        mapping: Class index of each stored value or color, if not the identity: what
            ``LoadLabelMap(colors=...)`` takes. None for the identity.
        reduce_zero_label: Whether 0 means "no class", and 1 is the first class.
        num_classes: Number of classes.
        sizes: Number of files by (H, W).
        median_area: Median area in pixels of the connected regions of each class.
    """

    count: int
    coding: str
    pixels: Mapping[str, Mapping]
    images: Mapping[str, Mapping]
    ignore: tuple
    mapping: Mapping | None
    reduce_zero_label: bool
    num_classes: int
    sizes: Mapping[tuple[int, int], int]
    median_area: Mapping[int, float]


@dataclass(frozen=True)
class Offset:
    """How a modality must move to lie on the first, measured on several samples.

    Args:
        modality: The modality that moves.
        dx: Pixels to the right (median over samples).
        dy: Pixels down.
        angle: Degrees, clockwise.
        scale: Factor of its size.
        certainty: From 0 to 1: how well the samples agree and how sharp the peaks are. Below 0.5,
            the numbers mean nothing.
        samples: Number of samples measured.
    """

    modality: str
    dx: float
    dy: float
    angle: float
    scale: float
    certainty: float
    samples: int


class Fingerprint:
    """Reads all files of a data set once, in parallel, and keeps what it found in a file.

    A second run reads only new and changed files. Memory does not grow with the number of images:
    the prints of the files are kept in an SQLite file, and read back one by one.

    Args:
        data: The samples, each with its split.
        cache: The SQLite file.
        workers: Number of processes; by default, as many as there are CPUs for this process.
    """

    def __init__(self, data: FoundData, cache: Path, workers: int | None = None) -> None: ...

    def images(self, modality: str) -> Iterator[tuple[str, ImagePrint]]:
        """Yield the name of each sample that has the modality, and the print of its file."""

    def labels(self) -> Iterator[tuple[str, LabelPrint]]:
        """Yield the name of each sample with a label map, and the print of its file."""

    @property
    def modalities(self) -> Mapping[str, ModalitySummary]:
        """The summary of each modality."""

    @property
    def label_summary(self) -> LabelSummary | None:
        """The summary of the label maps; None if there are none."""

    @property
    def offsets(self) -> Mapping[str, Offset]:
        """The offset of each modality but the first."""

    @property
    def duplicates(self) -> list[tuple[str, str, bool]]:
        """Pairs of samples that look the same: (name, name, whether the bytes are equal).

        Of one pair, the first modality decides. Pairs across train and val come first; at most
        1000.
        """
