"""Compares fusion methods: trains every method of a sweep file with every seed, and reports.

A run is one command of tools/train.py; its result is one small JSON file. What has a result is
skipped and what has a checkpoint is resumed, so the same command continues a sweep that was
interrupted, on this machine or, with the results alone, on another.
"""

import argparse
import signal
import sys
from pathlib import Path

try:
    import mmamf  # first: it cures the stack before anything else is imported
except ModuleNotFoundError as error:
    if error.name != 'mmamf':
        raise
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import mmamf  # noqa: F401

from fusion_comparison.costs import COSTS, measure_costs
from fusion_comparison.report import write_report
from fusion_comparison.results import load_results
from fusion_comparison.runner import Runner
from fusion_comparison.sweep import load_sweep


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


def compare(args: argparse.Namespace) -> list[str]:
    """Do what was asked for; return the names of the runs that failed."""
    sweep = load_sweep(args.sweep)
    runs = list(sweep.runs(args.only, args.seeds))
    there = load_results(sweep, args.results)  # complains before an hour's training
    failed = []
    if args.costs:
        measure_costs(sweep, args.only, args.results / COSTS)
    elif not args.report:
        failed = Runner(args.results, sweep.metric, args.jobs, args.keep).run(runs)
        there = there or len(failed) < len(runs)
    if there or args.report:
        print(*write_report(sweep, args.results), sep='\n')
    return failed


def main(argv: list[str] | None = None) -> None:
    """Compare."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C, unless nohup is at work
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        failed = compare(parse_args(argv))
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    except KeyboardInterrupt:
        print('\ninterrupted: run the same command again to continue', flush=True)
        raise SystemExit(130) from None
    if failed:
        raise SystemExit(f'{len(failed)} runs failed: {" ".join(failed)}')


if __name__ == '__main__':
    main()
