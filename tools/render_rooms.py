"""Render the rooms data set: furnished rooms as color, depth and further modalities, with labels.

Rooms that exist already are kept, so an interrupted run continues where it stopped. The same
settings always give the same files, for any number of workers.
"""

import argparse
from pathlib import Path

from rooms.classes import MODALITIES
from rooms.manifest import MAX_ROOMS

from mmamf_command_line import one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('data/rooms'), help='folder to write')
    parser.add_argument('--train', type=_count, default=400, help='number of training rooms')
    parser.add_argument('--val', type=_count, default=100, help='number of validation rooms')
    parser.add_argument('--size', type=_size, default=(160, 120), help='WIDTHxHEIGHT in pixels')
    parser.add_argument(
        '--modalities',
        nargs='+',
        choices=MODALITIES,
        default=MODALITIES,
        metavar='NAME',
        help=f'what to render beside the labels (default: {" ".join(MODALITIES)}); '
        'without shade it takes a quarter less time; more can be added later',
    )
    parser.add_argument('--seed', type=_count, default=0, help='seed of the whole data set')
    parser.add_argument('--workers', type=_positive, default=None, help='processes (default: CPUs)')
    return parser.parse_args(argv)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_ROOMS:
        raise argparse.ArgumentTypeError(f'expected a whole number 0-{MAX_ROOMS}, got {text!r}')
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'expected a whole number of at least 1, got {text!r}')
    return int(text)


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split('x')
    if len(sides) != 2 or not all(side.isdecimal() and int(side) >= 16 for side in sides):
        raise argparse.ArgumentTypeError(
            f'expected WIDTHxHEIGHT of at least 16x16, such as 160x120, got {text!r}'
        )
    return int(sides[0]), int(sides[1])


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Render the missing files of the requested data set."""
    args = parse_args(argv)
    from rooms.dataset import render_dataset

    render_dataset(args)


if __name__ == '__main__':
    main()
