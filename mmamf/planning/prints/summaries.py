"""What all files of one column contain together, in few numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
        missing_share: Share of pixels without reading, in the images that have any reading.
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
        median_area: Area in pixels of the connected region in which the median pixel of each class
            lies, in the median over maps.
        median_width: Width in pixels of the regions of each class as strips of the same area and
            border, in the median over maps.
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
    median_width: Mapping[int, float] = field(default_factory=dict)


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
