"""Convert SUN RGB-D, 37 classes, from the official SUNRGBD.zip and SUNRGBDtoolbox.zip.

RAW holds the unpacked folders SUNRGBD/ and SUNRGBDtoolbox/. OUT gets the color files unchanged,
depth in millimeters (0 = no reading; clipped at 8 m, as in the authors' toolbox) and label maps of
0..36 (255 = unlabeled). The name of a frame is its folder in SUNRGBD/.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

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
    read_gray,
    refuse_damage,
    require,
    require_count,
    require_frames,
)

SPLITS = {'train': ('alltrain', 5285), 'test': ('alltest', 5050)}
ALLSPLIT = 'SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat'
META = 'SUNRGBDtoolbox/Metadata/SUNRGBDMeta.mat'
SEG = 'SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg.mat'
SEGLABEL = 'SUNRGBD2Dseg/seglabel'

DEPTH_FOLDERS = {'filled': 'depth_bfx', 'raw': 'depth'}
UNITS_PER_METER = 1000
FARTHEST = 8000  # mm
CLASS_OF_SEGLABEL = (IGNORE, *range(37))


def decode_depth(code: np.ndarray) -> np.ndarray:
    """Return depth in millimeters from a depth file, whose bits it rotates right by three.

    Shape:
        (H, W), uint16.
    """
    return np.minimum((code >> 3) | (code << 13), FARTHEST)


def list_samples(raw: Path, depth: str, seg: h5py.File, incomplete: bool) -> list[Sample]:
    """List the frames of the official split.

    Args:
        raw: Folder of the official files.
        depth: A key of ``DEPTH_FOLDERS``.
        seg: The label file, from which each sample reads its own map.
        incomplete: Whether to leave out frames that lack files, instead of an error.

    Raises:
        FileNotFoundError: If files are missing.
        ValueError: If the frames, the labels and the split do not fit together, or their number is
            not the official one.
    """
    meta = np.atleast_1d(load_mat(raw / META, 'SUNRGBDMeta')['SUNRGBDMeta'])
    with refuse_damage(str(raw / SEG)):
        names = list(seg)
        # references to the maps, not the maps
        labels = seg[SEGLABEL][()].ravel() if SEGLABEL in seg else None
    if labels is None:
        raise ValueError(f'{raw / SEG}: expected {SEGLABEL}, got only {names}')
    if len(labels) != len(meta):
        raise ValueError(
            f'{raw / SEG}: expected {len(meta)} label maps, as many as frames in {META}, got '
            f'{len(labels)}'
        )
    frames = defaultdict(list)  # folder -> frames in it
    for row, label in zip(meta, labels):
        folder = str(PurePosixPath(_below_root(row['rgbpath'])).parents[1])
        frames[folder].append(
            dict(
                rgb=f'SUNRGBD/{folder}/image/{row["rgbname"]}',
                depth=f'SUNRGBD/{folder}/{DEPTH_FOLDERS[depth]}/{row["depthname"]}',
                label=label,
                camera=row['K'],
            )
        )

    samples = []
    split_file = load_mat(raw / ALLSPLIT, *(cell for cell, _ in SPLITS.values()))
    for split, (cell, count) in SPLITS.items():
        folders = [_below_root(path) for path in np.atleast_1d(split_file[cell])]
        unknown = [folder for folder in folders if folder not in frames]
        if unknown:
            raise ValueError(
                f'{raw / ALLSPLIT}: expected frames of {META} in {cell}, got {len(unknown)} other '
                f'paths: {unknown[:SHOWN]}'
            )
        files = {
            folder: [frame[key] for frame in frames[folder] for key in ('rgb', 'depth')]
            for folder in folders
        }
        complete = set(require_frames(raw, files, incomplete))
        require_count(f'{split} frames', count, len(complete), incomplete)
        samples += [
            _sample(raw, seg, split, folder, frame)
            for folder in folders
            if folder in complete
            for frame in frames[folder]
        ]
    return samples


def _sample(raw: Path, seg: h5py.File, split: str, folder: str, frame: dict) -> Sample:
    rgb, camera = frame['rgb'], frame['camera']

    def load() -> dict[str, np.ndarray | Path]:
        source = f'seglabel of {folder}'
        with refuse_damage(source):
            seglabel = seg[frame['label']][()].T  # MATLAB stores the transposed array
        return dict(
            rgb=raw / rgb,
            depth=decode_depth(read_gray(raw / frame['depth'], 'uint16')),
            masks=map_labels(seglabel, CLASS_OF_SEGLABEL, source),
        )

    fx, fy, cx, cy = (float(camera[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return Sample(folder, split, rgb, load, (fx, fy, cx, cy))


def _below_root(path: str) -> str:
    """Return a path of the authors' relative to SUNRGBD/; some have a double or trailing slash."""
    parts = PurePosixPath(path).parts
    if 'SUNRGBD' not in parts:
        raise ValueError(f'expected a path below .../SUNRGBD/, got {path!r}')
    return '/'.join(parts[parts.index('SUNRGBD') + 1 :])


def main(argv: Sequence[str] | None = None) -> int:
    """Convert SUN RGB-D; returns the exit status."""
    parser = make_parser(__doc__)
    parser.add_argument(
        '--depth',
        choices=DEPTH_FOLDERS,
        default='filled',
        help="filled: the authors' depth_bfx, without holes; raw: the sensor's (default: filled)",
    )
    args = parser.parse_args(argv)
    require(args.raw, 'SUNRGBD', ALLSPLIT, META, SEG)
    with open_hdf5(args.raw / SEG) as seg:
        samples = list_samples(args.raw, args.depth, seg, args.partial)
        settings = dict(dataset='sunrgbd', depth=args.depth, depth_units_per_meter=UNITS_PER_METER)
        return convert(samples, args.raw, args.out, settings, args.workers)


if __name__ == '__main__':
    exit_with(main)
