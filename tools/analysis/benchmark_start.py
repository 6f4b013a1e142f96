"""Measures what a start costs: the CPU time of `import mmamf`, and of --help of every command.

The import is shown as a ratio to `import mmseg.models`, every --help as a ratio to `import torch`.
Values are the median of the rounds, and in brackets the smallest and the largest.
"""

import argparse
from pathlib import Path

from mmamf_command_line import one_line_errors

TOOLS = Path(__file__).resolve().parents[1]


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=5, help='rounds; default: 5')
    args = parser.parse_args(argv)
    from mmamf.benchmarks.start_up import find_commands, measure_start_up

    for name, spread in measure_start_up(find_commands(TOOLS), args.repeats).items():
        print(f'{name:50} {spread.median:.2f} ({spread.smallest:.2f}..{spread.largest:.2f})')


if __name__ == '__main__':
    main()
