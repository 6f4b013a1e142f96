"""Measures how much memory and time a raster of N x N px takes, beside the network.

It writes a raster of random bytes with 3 bands, and segments it by tiles with a stand-in for the
network, which takes no time. Each size runs in a process of its own.
Example: benchmark_scenes.py 1000 5000 20000
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mmamf_command_line import import_lazily, one_line_errors

PACKAGES = (
    'apis',
    'benchmarks',
    'datasets',
    'datasets.transforms',
    'deployment',
    'scenes',
    'visualization',
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('sides', nargs='+', type=int, metavar='N', help='side of a raster in px')
    parser.add_argument('--classes', type=int, default=14, help='default: 14')
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Measure each size."""
    args = parse_args(argv)
    if len(args.sides) > 1:
        for side in args.sides:
            command = [sys.executable, __file__, str(side), '--classes', str(args.classes)]
            subprocess.run(command, check=True)
        return
    import_lazily(*PACKAGES)
    from mmamf.benchmarks.scenes import measure_raster

    (side,) = args.sides
    with TemporaryDirectory() as folder:
        print(f'{side} x {side} px: {measure_raster(side, args.classes, Path(folder))}')


if __name__ == '__main__':
    main()
