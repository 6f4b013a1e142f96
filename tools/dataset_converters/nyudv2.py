"""Convert NYU Depth v2, 40 classes, from the labeled frames that its authors publish.

RAW holds nyu_depth_v2_labeled.mat (1449 frames), splits.mat (795 for training, 654 for testing) and
classMapping40.mat (894 classes -> 40, by Gupta et al., CVPR 2013). Depth is written in 1/5000 m.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import h5py
import numpy as np
from conversion import (
    IGNORE,
    SHOWN,
    Sample,
    convert,
    exit_with,
    load_mat,
    make_parser,
    map_labels,
    open_hdf5,
    refuse_damage,
    require,
    require_count,
)

FRAMES = 1449
SPLITS = dict(train=795, test=654)
LABELS = 894  # 0 = unlabeled
CLASSES = 40
SIZE = (480, 640)
# of the color camera, in whose view depth is given; from the authors' toolbox
INTRINSICS = (518.857901, 519.469611, 325.582449, 253.736166)
UNITS_PER_METER = 5000
SENSOR_LIMIT = 10.0  # meters; in the authors' toolbox, 0 and 10 mean no reading
DEPTHS = dict(filled='depths', raw='rawDepths')


def list_samples(raw: Path, file: h5py.File, depth: str, incomplete: bool) -> list[Sample]:
    """Check the archive and list its frames. They are read later, one by one.

    Args:
        raw: Folder of splits.mat and classMapping40.mat.
        file: The open nyu_depth_v2_labeled.mat.
        depth: 'filled' or 'raw'.
        incomplete: Whether there may be fewer frames, or frames of another size, than published.

    Raises:
        ValueError: If the archive is not the published one.
    """
    count, (height, width) = _check_frames(file, DEPTHS[depth], incomplete)
    table = _label_table(raw / 'classMapping40.mat')
    splits = raw / 'splits.mat'
    samples = []
    for split, expected in SPLITS.items():
        key = f'{split}Ndxs'
        indices = np.atleast_1d(load_mat(splits, key)[key]).ravel()
        require_count(f'{splits}: {key}', expected, len(indices), incomplete)
        outside = indices[(indices < 1) | (indices > count) | (indices % 1 != 0)]
        if outside.size:
            raise ValueError(
                f'{splits}: {key}: expected indices 1..{count}, got {outside[:SHOWN].tolist()}'
            )
        samples += [
            Sample(
                stem=f'{index:06d}',
                split=split,
                source=f'{splits.name}, {key}({row})',
                load=partial(_load, file, index - 1, DEPTHS[depth], table),
                intrinsics=INTRINSICS if (height, width) == SIZE else None,
            )
            for row, index in enumerate(indices.astype(int).tolist(), start=1)
        ]
    return samples


def _check_frames(file: h5py.File, depth: str, incomplete: bool) -> tuple[int, tuple[int, int]]:
    """Return number and (H, W) of the frames. MATLAB's (H, W, C, N) is (N, C, W, H) in HDF5."""
    types = {'images': 'uint8', depth: 'float32', 'labels': 'uint16'}
    with refuse_damage(file.filename):
        names = sorted(file)
        found = {key: (file[key].shape, file[key].dtype) for key in types if key in names}
    missing = [key for key in types if key not in found]
    if missing:
        raise ValueError(f'{file.filename}: incomplete, missing variables: {missing}, got {names}')
    shape, _ = found['images']
    if len(shape) != 4 or shape[1] != 3:
        raise ValueError(f'{file.filename}: images: expected shape (N, 3, W, H), got {shape}')
    count, _, width, height = shape
    require_count(f'{file.filename}: images', FRAMES, count, incomplete)
    if (height, width) != SIZE and not incomplete:
        raise ValueError(
            f'{file.filename}: images: expected a size (H, W) of {SIZE}, got {(height, width)}'
        )
    for key, (shape, dtype) in found.items():
        if key != 'images' and shape != (count, width, height):
            raise ValueError(
                f'{file.filename}: {key}: expected shape {(count, width, height)} (N, W, H) as of '
                f'the images, got {shape}'
            )
        if dtype != types[key]:
            raise ValueError(f'{file.filename}: {key}: expected {types[key]}, got {dtype}')
    return count, (height, width)


def _label_table(path: Path) -> np.ndarray:
    """Return the table that maps 0..894 to 0..39, or to 255 for ignored labels."""
    classes = load_mat(path, 'mapClass')['mapClass'].ravel()
    if len(classes) != LABELS or not np.isin(classes, range(1, CLASSES + 1)).all():
        raise ValueError(
            f'{path}: mapClass: expected {LABELS} values 1..{CLASSES}, got {len(classes)} values '
            f'{classes.min(initial=CLASSES)}..{classes.max(initial=0)}'
        )
    return np.concatenate([[IGNORE], classes.astype(int) - 1]).astype(np.uint8)


def _load(file: h5py.File, index: int, depth: str, table: np.ndarray) -> dict[str, np.ndarray]:
    return dict(
        rgb=_read(file, 'images', index)[:, :, ::-1],  # BGR
        depth=_encode_depth(_read(file, depth, index), is_raw=depth == DEPTHS['raw']),
        masks=map_labels(_read(file, 'labels', index), table, f'frame {index + 1}'),
    )


def _read(file: h5py.File, key: str, index: int) -> np.ndarray:
    with refuse_damage(f'{key} of frame {index + 1}'):
        frame = file[key][index]
    return np.ascontiguousarray(frame.T)  # (W, H) or (3, W, H) -> (H, W) or (H, W, 3)


def _encode_depth(meters: np.ndarray, is_raw: bool) -> np.ndarray:
    if is_raw:
        meters = np.where(meters >= SENSOR_LIMIT, 0, meters)
    units = np.rint(meters.astype(np.float64) * UNITS_PER_METER)
    largest = np.iinfo(np.uint16).max
    if not ((units >= 0) & (units <= largest)).all():  # also refuses NaN
        raise ValueError(
            f'depth out of range: expected 0..{largest / UNITS_PER_METER:.2f} m, got '
            f'{meters.min():.2f}..{meters.max():.2f} m'
        )
    return units.astype(np.uint16)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert NYU Depth v2 from the command line; returns the exit status."""
    parser = make_parser('Convert NYU Depth v2, 40 classes')
    parser.add_argument(
        '--depth',
        choices=DEPTHS,
        default='raw',
        help="raw: as the sensor saw, like the paper's files; 0 = no reading, also where it was at "
        'its limit of 10 m; filled: with the holes filled in by colorization (default: raw)',
    )
    args = parser.parse_args(argv)
    names = ('nyu_depth_v2_labeled.mat', 'splits.mat', 'classMapping40.mat')
    labeled, *_ = require(args.raw, *names)
    with open_hdf5(labeled) as file:
        samples = list_samples(args.raw, file, args.depth, args.partial)
        settings = dict(dataset='nyudv2', depth=args.depth, depth_units_per_meter=UNITS_PER_METER)
        return convert(samples, args.raw, args.out, settings, args.workers)


if __name__ == '__main__':
    exit_with(main)
