"""Tests a checkpoint on all subsets of its modalities; writes a table and a figure.

For every subset there is one test of the config, in which all other modalities are absent. The
table also has the numbers of the protocol of arXiv 2503.18445; two options run its further tests.
Each finished test is saved in results.json, so after an interruption the same command continues.
"""

import argparse
from pathlib import Path

from mmamf_command_line import add_cfg_options, add_model, one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_model(parser)
    parser.add_argument(
        '--complete',
        action='store_true',
        help='use only samples that have all modalities, so that all rows have the same samples',
    )
    parser.add_argument(
        '--random-missing',
        action='store_true',
        help='also test modalities that lose 25, 50 and 75 %% of their values (RMM): '
        'three more tests for every subset but the whole one',
    )
    parser.add_argument(
        '--noise',
        action='store_true',
        help='also test low, middle and high noise on all modalities (NM): three more tests',
    )
    parser.add_argument(
        '--out',
        metavar='DIR',
        type=Path,
        help='where results.json, table.md and figure.png go; '
        'default: work_dirs/<name of the config>/missing_modalities',
    )
    add_cfg_options(parser)
    args = parser.parse_args(argv)
    args.out = args.out or Path('work_dirs', Path(args.config).stem, 'missing_modalities')
    return args


@one_line_errors('the same command continues with the tests that are left')
def main(argv: list[str] | None = None) -> None:
    """Run the tests that are not done yet, then write the table and the figure."""
    args = parse_args(argv)
    from mmamf.analysis.missing_modalities import measure_missing

    measure_missing(args)


if __name__ == '__main__':
    main()
