"""Finds files of a modality whose values do not fit to those of the others."""

import math
from statistics import median

from ..prints.file_prints import BandPrint, ImagePrint
from ..prints.fingerprint import Fingerprint

DECADES = 1.5  # mm and m are 3 decades apart; one scene rarely spans more than one
CLEAR = 3  # the median lean to red or blue must be at least so many median deviations
SWAPPED = 0.5  # a swapped file is less than half as far from the opposite lean as from the usual


def find_other_unit(fingerprint: Fingerprint, name: str) -> dict[str, float]:
    """Find the files of a modality whose unit is not that of most files.

    Returns:
        Path -> factor, a power of ten, that gives it the unit of the others.
    """
    typical = sorted(
        (math.log10(_typical(image)), image.path)
        for _, image in fingerprint.images(name)
        if image.error is None and _typical(image) > 0
    )
    gaps = [(b[0] - a[0], index) for index, (a, b) in enumerate(zip(typical, typical[1:]), 1)]
    gap, index = max(gaps, default=(0.0, 0))
    if gap < DECADES:
        return {}
    fewer, more = sorted((typical[:index], typical[index:]), key=len)
    decades = round(more[len(more) // 2][0] - fewer[len(fewer) // 2][0])
    return {path: 10.0**decades for _, path in fewer}


def find_swapped(fingerprint: Fingerprint, name: str) -> list[str]:
    """Find the color files of a modality in which red and blue seem to be exchanged.

    The colors of most files must clearly lean to red or to blue. A file is exchanged if it leans
    about as far to the other side.
    """
    leaning = [
        (image.path, _mean(image.bands[0]) - _mean(image.bands[2]))
        for _, image in fingerprint.images(name)
        if len(image.bands) == 3
    ]
    if not leaning:
        return []
    usual = median(value for _, value in leaning)
    spread = median(abs(value - usual) for _, value in leaning)
    if abs(usual) < CLEAR * max(spread, 1):
        return []
    return [path for path, lean in leaning if abs(lean + usual) < SWAPPED * abs(lean - usual)]


def _mean(band: BandPrint) -> float:
    return band.sum / max(band.count + band.zeros, 1)


def _typical(image: ImagePrint) -> float:
    """Return the mean of the readings other than 0; 0 without any."""
    band = image.bands[0] if image.bands else None
    return band.sum / band.count if band and band.count else 0.0
