"""Measures the network against a plain one, a loop over the modalities, and separate networks.

There are two modalities; weights and images are random. The networks of a cell (part, size, batch,
task) take turns. All numbers except memory and latency are ratios of measurements that directly
follow each other. Cells that the results file already has for this machine are skipped. The tool
prints the table, and writes the results file and the figure. OMP_NUM_THREADS sets the number of
threads.
"""

import argparse
from pathlib import Path

from mmamf_command_line import one_line_errors

DEPTHS = (18, 50, 101)
PARTS = ('encoder', 'segmentor')
MODES = ('inference', 'training')
PRECISIONS = ('float32', 'bf16')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('docs'), help='folder of the results')
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=PARTS)
    parser.add_argument('--depths', nargs='+', type=int, choices=DEPTHS, default=DEPTHS)
    parser.add_argument('--sizes', nargs='+', default=['160x120', '640x480'], metavar='WxH')
    parser.add_argument('--batches', nargs='+', type=int, default=[1, 4])
    parser.add_argument('--modes', nargs='+', choices=MODES, default=MODES)
    parser.add_argument('--precisions', nargs='+', choices=PRECISIONS, default=['float32'])
    parser.add_argument('--repeats', type=int, default=9, help='rounds of every cell')
    parser.add_argument('--compile', action='store_true', help='with torch.compile as well')
    parser.add_argument('--quick', action='store_true', help='one tiny cell, to see that it runs')
    parser.add_argument('--report', action='store_true', help='measure nothing')
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Measure, print and draw."""
    args = parse_args(argv)
    from mmamf.benchmarks.speed import measure_speed

    measure_speed(args)


if __name__ == '__main__':
    main()
