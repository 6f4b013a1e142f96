"""Encode the depth maps of a converted data set as HHA images, a modality of three channels.

ROOT/depth/STEM.png becomes ROOT/hha/STEM.png. Red is the horizontal disparity, green the height
above ground, blue the angle with gravity; black means no reading. The encoding's authors use filled
depth, so prefer it where the data set offers it. Images that are there already are kept.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from conversion import (
    add_workers,
    exit_with,
    read_gray,
    read_json,
    refuse_other_settings,
    report,
    require,
    run_all,
)
from written_files import check_inside, is_done, mark_done, write_image

from mmamf.datasets.encode_hha import encode_hha

CONVERSION = 'conversion.json'
INTRINSICS = 'intrinsics.json'
UNITS = 'depth_units_per_meter'


def read_units_per_meter(root: Path) -> float:
    """Return the depth units per meter that the data set's converter wrote down.

    Raises:
        ValueError: If the converter wrote none.
    """
    settings = read_json(root / CONVERSION)
    if UNITS not in settings:
        raise ValueError(
            f'{root / CONVERSION}: expected {UNITS}, or the option --units-per-meter, got '
            f'{settings or "no such file"}'
        )
    return settings[UNITS]


def encode_file(
    depth: Path, out: Path, stem: str, units_per_meter: float, intrinsics: Sequence[float] | None
) -> None:
    """Encode one depth map, unless this was done before and its file has not changed.

    Args:
        depth: 16-bit file; 0 means no reading.
        out: Folder to write.
        stem: Name of the file to write, without suffix.
        units_per_meter: Units of the file in one meter.
        intrinsics: fx, fy, cx, cy in px; None if they are unknown.

    Raises:
        ValueError: If intrinsics are unknown, or the file cannot be encoded.
    """
    check_inside(out, out / stem, str(depth))
    if is_done(out, stem):
        return
    if intrinsics is None:
        raise ValueError(
            f'{INTRINSICS}: expected fx, fy, cx, cy of {stem}, or the option --intrinsics, got none'
        )
    encoded = encode_hha(read_gray(depth, 'uint16') / units_per_meter, tuple(intrinsics))
    mark_done(out, stem, [write_image(out / stem, encoded[..., ::-1])])  # BGR


def main(argv: Sequence[str] | None = None) -> int:
    """Encode a data set; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('root', type=Path, metavar='ROOT', help='folder of the converted data set')
    parser.add_argument(
        '--units-per-meter',
        type=float,
        help=f'depth units in a meter (default: {UNITS} of ROOT/{CONVERSION})',
    )
    parser.add_argument(
        '--intrinsics',
        type=float,
        nargs=4,
        metavar=('FX', 'FY', 'CX', 'CY'),
        help=f'of all frames, in pixels (default: those in ROOT/{INTRINSICS})',
    )
    add_workers(parser)
    args = parser.parse_args(argv)

    (folder,) = require(args.root, 'depth')
    units = args.units_per_meter
    units = read_units_per_meter(args.root) if units is None else units
    if not units > 0:
        raise ValueError(f'depth units per meter: expected more than 0, got {units}')
    stems = sorted(
        path.relative_to(folder).as_posix().removesuffix('.png') for path in folder.rglob('*.png')
    )
    if not stems:
        raise FileNotFoundError(f'{folder}: expected depth maps as .png, got none')
    if args.intrinsics:
        cameras = dict.fromkeys(stems, args.intrinsics)
    else:
        cameras = read_json(args.root / INTRINSICS)
        if not cameras:
            raise FileNotFoundError(
                f'{args.root / INTRINSICS}: expected fx, fy, cx, cy of each frame, or the option '
                '--intrinsics, got none'
            )

    out = args.root / 'hha'
    settings = dict(encoding='hha', intrinsics=args.intrinsics or INTRINSICS)
    refuse_other_settings(out / CONVERSION, settings | {UNITS: units})
    jobs = {
        stem: partial(encode_file, folder / f'{stem}.png', out, stem, units, cameras.get(stem))
        for stem in stems
    }
    return report(run_all(f'Encoding into {out}', jobs, args.workers), len(jobs))


if __name__ == '__main__':
    exit_with(main)
