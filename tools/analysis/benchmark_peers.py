"""Measures networks of configs beside published networks, from your checkouts of their code.

Input is one random image of RGB and of depth, weights are random, and one thread computes. The
networks take turns. Each network's memory is measured in a process of its own. Everything measured
is saved at once, so the same command continues after an interruption.
"""

import argparse
import re
from pathlib import Path

from mmamf_command_line import one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='+', help='configs of segmentors for two modalities')
    for name, repository in (
        ('esanet', 'TUI-NICR/ESANet'),
        ('cmx', 'huaaaliu/RGBX_Semantic_Segmentation'),
        ('asymfusion', 'yikaiw/AsymFusion'),
    ):
        parser.add_argument(
            f'--{name}', metavar='PATH', help=f'checkout of github.com/{repository}'
        )
    parser.add_argument('--size', default='640x480', metavar='WxH', help='default: 640x480')
    parser.add_argument('--classes', type=int, default=40, help='of all networks; default: 40')
    parser.add_argument('--repeats', type=int, default=5, help='rounds; default: 5')
    parser.add_argument(
        '--out', type=Path, default=Path('docs/peers/speed.json'), help='file of the results'
    )
    args = parser.parse_args(argv)
    if not re.fullmatch(r'\d+x\d+', args.size):
        parser.error(f'--size: expected WxH, such as 640x480, got {args.size!r}')
    if args.repeats < 1:
        parser.error(f'--repeats: expected at least 1, got {args.repeats}')
    return args


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    args = parse_args(argv)
    from mmamf.benchmarks.beside_peers import compare_with_peers

    compare_with_peers(args)


if __name__ == '__main__':
    main()
