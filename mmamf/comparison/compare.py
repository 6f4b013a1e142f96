"""Compares fusion methods: trains every method of a sweep file with every seed, and reports.

A run is one command of tools/train.py, and its result is one small JSON file. Runs with a result
are skipped, and runs with a checkpoint are resumed. So after an interruption the same command
continues the sweep. On another machine it needs only the results.
"""

import argparse
import signal

from .costs import COSTS, measure_costs
from .report import write_report
from .results import load_results
from .runner import Runner
from .sweep import load_sweep


def compare(args: argparse.Namespace) -> list[str]:
    """Run what the command line asks for; return the names of the runs that failed."""
    sweep = load_sweep(args.sweep)
    runs = list(sweep.runs(args.only, args.seeds))
    there = load_results(sweep, args.results)  # fails before an hour of training
    failed = []
    if args.costs:
        measure_costs(sweep, args.only, args.results / COSTS)
    elif not args.report:
        failed = Runner(args.results, sweep.metric, args.jobs, args.keep).run(runs)
        there = there or len(failed) < len(runs)
    if there or args.report:
        print(*write_report(sweep, args.results), sep='\n')
    return failed


def run_comparison(args: argparse.Namespace) -> None:
    """Compare; failed runs and interruptions end the program with an error.

    Args:
        args: The parsed command line of `tools/analysis/compare_fusion.py`.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):  # like Ctrl-C, except under nohup
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        failed = compare(args)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    except KeyboardInterrupt:
        print('\ninterrupted: run the same command again to continue', flush=True)
        raise SystemExit(130) from None
    if failed:
        raise SystemExit(f'{len(failed)} runs failed: {" ".join(failed)}')
