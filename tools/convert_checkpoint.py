#!/usr/bin/env python3
"""Converts a checkpoint of one of the authors' networks to one that configs/amf/ loads."""

import argparse
from pathlib import Path

from mmamf_command_line import one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', type=Path, help="checkpoint in the authors' format")
    parser.add_argument('dst', type=Path, help='where to write ours')
    parser.add_argument(
        '--discriminator',
        type=Path,
        metavar='FILE',
        help="the authors' discriminator, which goes into the same output as their generator",
    )
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Read, convert, write."""
    args = parse_args(argv)
    from mmamf.checkpoints.convert_files import convert_files

    convert_files(args.src, args.dst, args.discriminator)


if __name__ == '__main__':
    main()
