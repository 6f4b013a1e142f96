"""Tests a checkpoint under corruptions of growing severity; writes a table and a figure.

For every level there is one test of the config, with the corruption right after the loading step of
its test pipeline. Each finished test is saved in results.json, so after an interruption the same
command continues.
"""

import argparse
from pathlib import Path

from mmamf_command_line import add_cfg_options, add_model, one_line_errors

LADDER = Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'robustness_rgbd.py'


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_model(parser)
    parser.add_argument(
        '--ladder',
        default=LADDER,
        help='config file with the corruptions and their levels; '
        'default: configs/_base_/robustness_rgbd.py',
    )
    parser.add_argument(
        '--out',
        metavar='DIR',
        type=Path,
        help='where results.json, table.md and figure.png go; '
        'default: work_dirs/<name of the config>/robustness',
    )
    add_cfg_options(parser)
    args = parser.parse_args(argv)
    args.out = args.out or Path('work_dirs', Path(args.config).stem, 'robustness')
    return args


@one_line_errors('the same command continues with the tests that are left')
def main(argv: list[str] | None = None) -> None:
    """Run the tests that are not done yet, then write the table and the figure."""
    args = parse_args(argv)
    from mmamf.analysis.robustness import measure_robustness

    measure_robustness(args)


if __name__ == '__main__':
    main()
