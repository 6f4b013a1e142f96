"""Convert Cityscapes with depth from stereo, 19 classes, from the official archives.

RAW holds the unpacked leftImg8bit_trainvaltest, gtFine_trainvaltest, disparity_trainvaltest and
camera_trainvaltest. OUT gets the color files unchanged, depth in centimeters, and label maps of
0..18 (255 = not evaluated). In depth, 0 means no reading, and 655.35 m means this distance or more.
A disparity of zero pixels means no reading, too. A frame has a name like
``aachen/aachen_000000_000019``.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from conversion import (
    IGNORE,
    Sample,
    convert,
    exit_with,
    make_parser,
    map_labels,
    read_gray,
    require,
    require_count,
    require_frames,
)

# folder -> ending of its file names
ENDINGS = {
    'leftImg8bit': '_leftImg8bit.png',
    'gtFine': '_gtFine_labelIds.png',
    'disparity': '_disparity.png',
    'camera': '_camera.json',
}
# split -> city -> number of frames
CITIES = {
    'train': {
        'aachen': 174, 'bochum': 96, 'bremen': 316, 'cologne': 154, 'darmstadt': 85,
        'dusseldorf': 221, 'erfurt': 109, 'hamburg': 248, 'hanover': 196, 'jena': 119,
        'krefeld': 99, 'monchengladbach': 94, 'strasbourg': 365, 'stuttgart': 196, 'tubingen': 144,
        'ulm': 95, 'weimar': 142, 'zurich': 122,
    },
    'val': {'frankfurt': 267, 'lindau': 59, 'munster': 174},
}  # fmt: skip
# the classes that are evaluated, in the order of their training ids -> id in gtFine_labelIds
LABEL_IDS = {
    'road': 7, 'sidewalk': 8, 'building': 11, 'wall': 12, 'fence': 13, 'pole': 17,
    'traffic light': 19, 'traffic sign': 20, 'vegetation': 21, 'terrain': 22, 'sky': 23,
    'person': 24, 'rider': 25, 'car': 26, 'truck': 27, 'bus': 28, 'train': 31, 'motorcycle': 32,
    'bicycle': 33,
}  # fmt: skip
_CLASSES = {label_id: index for index, label_id in enumerate(LABEL_IDS.values())}
CLASS_OF_LABEL_ID = [_CLASSES.get(label_id, IGNORE) for label_id in range(34)]

UNITS_PER_METER = 100
FARTHEST = 65535  # cm


def depth_of_disparity(code: np.ndarray, baseline: float, fx: float) -> np.ndarray:
    """Return the depth in centimeters of a disparity file.

    The file holds 256 times the disparity in pixels, plus one; 0 means no reading. Where the stereo
    matcher has found nothing, it writes a disparity of zero (code 1), which means no reading, too.
    Both become 0.

    Args:
        code: The file's values.
        baseline: Distance between the two cameras in meters.
        fx: Focal length in pixels.

    Shape:
        (H, W), uint16.
    """
    disparity = (np.arange(1 << 16) - 1) / 256
    with np.errstate(divide='ignore'):
        depth = UNITS_PER_METER * baseline * fx / disparity
    table = np.clip(np.rint(depth), 1, FARTHEST).astype(np.uint16)
    table[:2] = 0
    return table[code]


def list_samples(raw: Path, incomplete: bool) -> list[Sample]:
    """List the frames of the training and the validation split.

    Args:
        raw: Folder of the official files.
        incomplete: Whether to leave out frames that lack files, instead of an error.

    Raises:
        FileNotFoundError: If files are missing.
        ValueError: If the number of frames is not the official one.
    """
    require(raw, *ENDINGS)
    samples = []
    for split, cities in CITIES.items():
        stems = {
            f'{path.parent.name}/{path.name.removesuffix(ending)}'
            for folder, ending in ENDINGS.items()
            for path in (raw / folder / split).glob(f'*/*{ending}')
        }
        files = {
            stem: [f'{folder}/{split}/{stem}{ending}' for folder, ending in ENDINGS.items()]
            for stem in sorted(stems)
        }
        complete = require_frames(raw, files, incomplete)
        if incomplete:
            require_count(f'{split} frames', sum(cities.values()), len(complete), partial=True)
        else:
            _check_cities(split, complete)
        samples += [_sample(raw, split, stem, *files[stem]) for stem in complete]
    return samples


def _check_cities(split: str, stems: Sequence[str]) -> None:
    """Refuse a number of frames that is not the official one; name the cities that differ."""
    expected, got = CITIES[split], Counter(stem.split('/')[0] for stem in stems)
    off = [
        f'{city}: expected {expected.get(city, 0)}, got {got[city]}'
        for city in sorted({*expected, *got})
        if expected.get(city, 0) != got[city]
    ]
    if off:
        listed = '\n  '.join(off)
        raise ValueError(
            f'{split} frames: expected {sum(expected.values())}, got {len(stems)}; --partial '
            f'converts what is there:\n  {listed}'
        )


def _sample(
    raw: Path, split: str, stem: str, rgb: str, label: str, disparity: str, camera: str
) -> Sample:
    try:
        baseline, fx, fy, cx, cy = _read_camera(raw / camera)
    except (ValueError, OSError) as error:
        return Sample(stem, split, rgb, partial(_refuse, error))

    def load() -> dict[str, np.ndarray | Path]:
        return dict(
            rgb=raw / rgb,
            depth=depth_of_disparity(read_gray(raw / disparity, 'uint16'), baseline, fx),
            masks=map_labels(read_gray(raw / label, 'uint8'), CLASS_OF_LABEL_ID, label),
        )

    return Sample(stem, split, rgb, load, (fx, fy, cx, cy))


def _refuse(error: Exception) -> None:
    raise error


def _read_camera(path: Path) -> tuple[float, ...]:
    """Return the baseline in meters and the intrinsics in pixels."""
    try:
        camera = json.loads(path.read_text())
        lens = camera['intrinsic']
        values = (
            camera['extrinsic']['baseline'],
            *(lens[key] for key in ('fx', 'fy', 'u0', 'v0')),
        )
        numbers = tuple(float(value) for value in values)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'{path}: expected extrinsic baseline and intrinsic fx, fy, u0, v0, got {error!r}'
        ) from error
    if not all(math.isfinite(number) for number in numbers) or min(numbers[:3]) <= 0:
        raise ValueError(
            f'{path}: expected finite numbers, and a baseline, fx and fy above 0, got baseline, '
            f'fx, fy, u0, v0 = {numbers}'
        )
    return numbers


def main(argv: Sequence[str] | None = None) -> int:
    """Convert Cityscapes; returns the exit status."""
    args = make_parser(__doc__).parse_args(argv)
    samples = list_samples(args.raw, args.partial)
    settings = dict(dataset='cityscapes', depth_units_per_meter=UNITS_PER_METER)
    return convert(samples, args.raw, args.out, settings, args.workers)


if __name__ == '__main__':
    exit_with(main)
