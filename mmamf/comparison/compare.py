"""Compares fusion methods: trains every method of a sweep file with every seed, and reports."""

import argparse

from mmamf.commands.process import interruptible

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
    """Compare, given the arguments of `tools/analysis/compare_fusion.py`."""
    with interruptible('run the same command again to continue'):
        failed = compare(args)
    if failed:
        raise SystemExit(f'{len(failed)} runs failed: {" ".join(failed)}')
