"""A demo: renders rooms, trains on them, tests, and writes a report with tables and pictures.

After an interruption, the same command continues. After a complete demo, it trains again.
"""

import argparse
import warnings
from pathlib import Path

from mmamf_command_line import one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = ['segmentation', 'translation']
    parser.add_argument('task', nargs='?', choices=tasks, default=tasks[0])
    parser.add_argument('--config', type=Path, help='a config with data of its own, not the rooms')
    parser.add_argument('--work-dir', type=Path, help='default: work_dirs/COMMAND')
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Run the demo."""
    args = parse_args(argv)
    for category in (UserWarning, FutureWarning):  # from the old stack about its own code
        warnings.simplefilter('ignore', category)
    from mmamf.commands.demo import run_demo

    run_demo(args)


if __name__ == '__main__':
    main()
