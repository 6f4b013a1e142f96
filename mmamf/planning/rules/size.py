"""At which size images are trained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from mmamf.planning.choice import Choice

CELL = 4  # the finest map of every network of the ladder has one cell for 4 x 4 pixels
MIN_AREA = (2 * CELL) ** 2  # 2 x 2 cells: a smaller object has no inside
IMPORTANT = 0.001  # share of the pixels; too little is known of a rarer class to plan for its size
MIN_WIDTH = 2  # pixels; a thinner strip has no inside
MIN_SCALE = 0.25  # below it, textures are gone
STEPS = 20  # scales are multiples of 1 / 20, which people can read
DIVISOR = 32  # the coarsest map has one cell for 32 x 32 pixels
MIN_CROP = 4 * DIVISOR  # 4 x 4 cells: fewer show no surroundings
# An image of a little more than the limit is taken whole: windows would cost 2.25 times in tests.
SLACK = 1.5
MAX_PIXELS = 512 * 1024  # the largest crop among mmseg's usual configs (Cityscapes)


@dataclass(frozen=True)
class Size:
    """The size of training images.

    Args:
        scale: Factor of each image's own size.
        crop: (H, W) of a crop of the scaled image; None takes the whole image.
        whole: (H, W) of the scaled images, if all are alike; else that of the largest sides.
        alike: Whether all images have one size.
    """

    scale: float
    crop: tuple[int, int] | None
    whole: tuple[int, int]
    alike: bool

    @property
    def train(self) -> tuple[int, int]:
        """(H, W) that the network sees in training."""
        return self.crop or self.whole


def choose_size(
    sizes: Mapping[tuple[int, int], int],
    median_area: Mapping[int, float],
    median_width: Mapping[int, float],
    shares: Mapping[int, float],
    affordable: float,
    names: Sequence[str],
) -> Choice:
    """Choose scale and crop.

    Images are scaled down if the time is not enough for their full size, but only until objects of
    the smallest class keep their inside. What is then still too large is cropped. Thin classes keep
    their width as long as that leads to no crops.

    Args:
        sizes: Number of images by (H, W).
        median_area: Area in pixels of the region in which the median pixel of each class lies.
        median_width: Width in pixels of the regions of each class as strips.
        shares: Share of the pixels of each class.
        affordable: Number of pixels per sample that the time allows.
        names: Names of the classes.
    """
    height, width = (median(_repeat(sizes, side)) for side in (0, 1))
    important = {index for index, share in shares.items() if share >= IMPORTANT}
    areas = {index: area for index, area in median_area.items() if index in important}
    smallest = min(areas, key=areas.get) if areas else None
    area = areas.get(smallest, math.inf)
    limit = min(affordable, MAX_PIXELS)
    by_area, decides = _choose_scale(height, width, area, limit)
    scale = by_area
    widths = {index: width for index, width in median_width.items() if index in important}
    thinnest = min(widths, key=widths.get) if widths else None
    if thinnest is not None:
        scale = _keep_width(widths[thinnest], by_area, sizes, limit)
        decides = decides if scale == by_area else ''
    whole = _scale_all(sizes, scale)
    crop = _choose_crop(whole, limit) if _must_crop(whole, limit) else None
    size = Size(scale, crop, whole, len(sizes) == 1)
    reasons = [f'Images have {width:.0f} x {height:.0f} px{_spread(sizes)}.']
    if smallest is not None:
        scaled = '' if scale == 1 else f', {area * scale**2:.0f} after scaling'
        needed = f'{MIN_AREA} must remain' if scale <= 1 else f'a cell has {CELL**2}'
        reasons.append(
            f'Objects of the smallest class, {names[smallest]}, have {area:.0f} px{scaled}; '
            f'{needed}.'
        )
    if scale > by_area:
        kept = widths[thinnest]
        reasons.append(
            f'{names[thinnest]} is {kept:.1f} px wide, {kept * scale:.1f} after scaling by '
            f'{scale:g}; {MIN_WIDTH} should remain.'
        )
    if height * width > limit:
        time = 'The time' if affordable < MAX_PIXELS else 'A crop of the usual kind'
        reasons.append(f'{time} allows {limit:.0f} px per sample of {height * width:.0f}{decides}.')
    shown = 'the whole image' if crop is None else f'crops of {_x(crop)} px'
    if scale != 1:
        shown += '' if crop is None else ' of the image'
        most = '' if size.alike else 'at most '
        shown += f', scaled by {scale:g} to {most}{_x(whole)} px'
    return Choice(size, ' '.join([*reasons, f'The network sees {shown}.']))


def _choose_scale(height: float, width: float, area: float, limit: float) -> tuple[float, str]:
    """Return the scale, and the end of a sentence on the limit: what decides."""
    pixels = height * width
    if area < CELL**2 and pixels * 4 <= limit:
        return 2.0, ''  # objects smaller than a cell cannot be seen at their own size
    lowest, decides = max(
        (MIN_SCALE, f', but textures are gone below a scale of {MIN_SCALE:g}'),
        (math.sqrt(MIN_AREA / area), ', but these objects decide the scale'),
        (MIN_CROP / min(height, width), f', but the smallest side must keep {MIN_CROP} px'),
    )
    lowest = math.ceil(lowest * STEPS) / STEPS
    fitting = math.floor(math.sqrt(limit / pixels) * STEPS) / STEPS
    if fitting >= lowest:
        decides = ', which decides the scale'
    return min(1.0, max(fitting, lowest)), decides


def _keep_width(
    width: float, scale: float, sizes: Mapping[tuple[int, int], int], limit: float
) -> float:
    """Raise the scale until the thinnest class keeps its width, or crops would be needed."""
    while scale < 1 and width * scale < MIN_WIDTH:
        larger = round(scale * STEPS + 1) / STEPS
        if _must_crop(_scale_all(sizes, larger), limit):
            break
        scale = larger
    return scale


def _scale_all(sizes: Mapping[tuple[int, int], int], scale: float) -> tuple[int, int]:
    """Return (H, W) of the largest sides after scaling."""
    return tuple(_scaled(max(size[side] for size in sizes), scale) for side in (0, 1))


def _must_crop(whole: tuple[int, int], limit: float) -> bool:
    return math.prod(whole) > SLACK * max(limit, MIN_CROP**2)


def _choose_crop(whole: tuple[int, int], limit: float) -> tuple[int, int]:
    """Choose the largest crop of at most ``limit`` pixels, as square as the image allows."""
    side = max(MIN_CROP, math.sqrt(limit))
    short = min(*whole, side)
    short = max(DIVISOR, math.ceil(short / DIVISOR) * DIVISOR if short < side else _floor(short))
    long = _floor(min(max(whole), max(MIN_CROP, limit / short)))
    return (short, long) if whole[0] <= whole[1] else (long, short)


def _scaled(side: int, scale: float) -> int:
    return int(side * scale + 0.5)  # as mmcv rounds


def _floor(side: float) -> int:
    return max(DIVISOR, int(side) // DIVISOR * DIVISOR)


def _repeat(sizes: Mapping[tuple[int, int], int], side: int) -> list[int]:
    return [size[side] for size, count in sizes.items() for _ in range(count)]


def _spread(sizes: Mapping[tuple[int, int], int]) -> str:
    if len(sizes) == 1:
        return ''
    smallest, largest = min(sizes, key=math.prod), max(sizes, key=math.prod)
    return f' in the median, {_x(smallest)} to {_x(largest)}'


def _x(size: tuple[int, int]) -> str:
    """Write a size as people do, width first."""
    return f'{size[1]} x {size[0]}'
