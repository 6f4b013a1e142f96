"""Checks this project on a GPU and measures it there, in at most ten minutes.

First it runs the tests that are marked `gpu`. Then it measures the ratios of docs/performance.md,
the most important first, until the time is over. It prints the outcome of the tests and the rows of
the table, and writes both to gpu_report.md and all numbers to gpu_report.json. Rows that it did not
reach say "not measured".
"""

import argparse
import os
from pathlib import Path

from mmamf_command_line import one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('gpu_report'), help='folder to write to')
    parser.add_argument('--device', choices=['cuda', 'cpu'], default='cuda')
    parser.add_argument('--minutes', type=float, default=10, help='time limit')
    parser.add_argument('--quick', action='store_true', help='tiny images, for a trial')
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Test, measure and write."""
    args = parse_args(argv)
    if args.device == 'cpu':  # also where there is a GPU
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    from mmamf.benchmarks.gpu_report import write_gpu_report

    write_gpu_report(args)


if __name__ == '__main__':
    main()
