"""The decisions about label maps, each with its reason."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

IGNORE = 255  # as in mmseg
VOIDS = (255, 65535)  # largest values of the dtypes of label maps; people write them for "no class"
RARE = 1e-4  # share of pixels below which a color of a file with many comes from smoothing
SMEARED = 0.005  # the same for values of lossy files, which are smeared around the true ones
SMEAR = 16  # compression moves a value by up to 1 / 16 of the largest
EXACT_COLORS = 40  # a set with at most so many colors has no smoothed ones
MOST_CLASSES = 255
FEW_GRAYS = 32
OBJECT_COUNTS = 5  # different numbers of objects; classes seldom occur in such an order


def looks_like_instances(images: Mapping[float, int], files: int) -> bool:
    """Tell whether values count objects: there are many, and most occur in few files."""
    values = [value for value in images if value not in (0, *VOIDS)]
    if len(values) > MOST_CLASSES:
        return True
    usual = sum(images[value] for value in values) / max(len(values), 1)
    return len(values) > EXACT_COLORS and max(values) > MOST_CLASSES and usual < 0.2 * files


def count_objects(files: Collection[Collection[float]]) -> bool:
    """Tell whether each file numbers its objects: 1 to their number, which differs much.

    Args:
        files: The values of each kind of file, other than 0.
    """
    consecutive = all(max(values) == len(values) and min(values) == 1 for values in files)
    return consecutive and len(files) >= OBJECT_COUNTS


def find_peaks(pixels: Mapping) -> dict:
    """Keep the values or colors of lossy files that were there before the compression.

    Those are frequent, and no more frequent one is near.

    Args:
        pixels: Number of pixels of each gray value, or of each color (red, green, blue).
    """
    least = SMEARED * sum(pixels.values())
    frequent = sorted((key for key, n in pixels.items() if n >= least), key=lambda k: -pixels[k])
    points = {key: np.atleast_1d(np.asarray(key, float)) for key in frequent}
    reach = max((point.max() for point in points.values()), default=0) / SMEAR
    peaks = []
    for key in frequent:
        if all(np.linalg.norm(points[key] - points[peak]) > reach for peak in peaks):
            peaks.append(key)
    return {key: pixels[key] for key in peaks}


def find_void(values: Collection[float], num_named: int) -> list[float]:
    """List values that mean "no class": negative ones, and 255 or 65535 beside small indices.

    255 alone beside 0 is a mask that a program wrote for looking at, not a void. Beside three or
    more gray values that end before the middle, such as 0, 10 and 20, it is a void.
    """
    void = [value for value in values if value < 0]
    classes = [value for value in values if value >= 0 and value not in VOIDS]
    is_apart = len(classes) > 2 and 2 * max(classes) < min(VOIDS)
    if [*classes] != [0] and (is_dense(classes, num_named) or is_apart):
        void += [value for value in values if value in VOIDS and value >= num_named]
    return void


def is_dense(values: Collection[float], num_named: int) -> bool:
    """Tell whether values are indices of classes, of which some may occur in no file.

    Two values such as 0 and 128 are gray values. With more, gaps are common: 13 of 19 classes.
    """
    if not values or min(values) < 0 or any(value != int(value) for value in values):
        return False
    largest = max(values)
    if largest < num_named or largest <= 1:
        return True
    if len(values) <= 2:
        return num_named == 0 and sorted(values) == [1, 2] or largest == num_named
    return largest < 3 * len(values) + 8


def zero_is_void(values: Collection[float], num_named: int) -> bool:
    """Decide whether class 1 of the files is the first class (``reduce_zero_label``).

    It is if as many classes are named as the largest value says: 0 is then one too many. Without
    names, it is if no file has a 0.
    """
    if not values or max(values) < 1:
        return False
    if num_named:
        return max(values) == num_named
    return min(values) == 1


def order_grays(values: Collection[float]) -> dict[int, int]:
    """Map gray values to classes: the darkest is class 0."""
    return {int(value): index for index, value in enumerate(sorted(values))}


def order_colors(
    pixels: Mapping[tuple[int, int, int], int],
    num_named: int,
    palette: Sequence[tuple[int, int, int]] = (),
) -> dict[tuple[int, int, int], int]:
    """Map colors to classes, and those of smoothed borders to 255.

    No file says which color comes first. Black is class 0, because it mostly is the background; if
    one class less is named than there are colors, it is "no class". The others follow by their
    share, so that the same files give the same order, and rare colors stand at the end.
    """
    total = sum(pixels.values())
    few = len(pixels) <= max(EXACT_COLORS, num_named + 1)
    kept = [color for color, n in pixels.items() if few or n >= RARE * total]
    kept = sorted(kept, key=lambda color: (color != (0, 0, 0), -pixels[color], color))
    mapping = dict.fromkeys(pixels, IGNORE)
    if num_named and (0, 0, 0) in mapping and len(kept) == num_named + 1:
        kept.remove((0, 0, 0))
    return {**mapping, **{color: min(i, IGNORE) for i, color in enumerate(kept)}}
