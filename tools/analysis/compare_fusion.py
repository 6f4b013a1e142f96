"""Compares fusion methods: trains every method of a sweep file with every seed, and reports.

A run is one command of tools/train.py, and its result is one small JSON file. Runs with a result
are skipped, and runs with a checkpoint are resumed. So after an interruption the same command
continues the sweep. On another machine it needs only the results.
"""

import argparse
from pathlib import Path

from mmamf_command_line import one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('sweep', type=Path, help='sweep file, such as those in configs/sweeps')
    parser.add_argument(
        '--results', type=Path, help='folder of results and report; default: docs/comparison/SWEEP'
    )
    parser.add_argument(
        '--jobs', type=int, default=1, help='trainings at a time, each with one thread'
    )
    parser.add_argument('--only', nargs='+', default=[], metavar='NAME', help='methods to run')
    parser.add_argument('--seeds', nargs='+', type=int, default=[], help='seeds to run')
    parser.add_argument(
        '--keep', action='store_true', help='keep the checkpoints of runs that are done'
    )
    steps = parser.add_mutually_exclusive_group()
    steps.add_argument('--report', action='store_true', help='train nothing, only report')
    steps.add_argument(
        '--costs', action='store_true', help='train nothing, measure what the methods cost'
    )
    args = parser.parse_args(argv)
    args.results = args.results or Path('docs', 'comparison', args.sweep.stem)
    if args.jobs < 1:
        parser.error(f'--jobs: expected at least 1, got {args.jobs}')
    return args


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Compare."""
    args = parse_args(argv)
    from mmamf.comparison.compare import run_comparison

    run_comparison(args)


if __name__ == '__main__':
    main()
