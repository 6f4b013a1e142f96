"""Measures a network of every config family on a CPU: size, and latency in every form.

Two images of 640 x 480 px (RGB and depth), batch 1, 40 classes, random weights, one thread and two.
The forms of a family take turns: mmseg's network with the same backbone and head on the two images
(plain), ours (eager), `mmamf.deploy` in both memory layouts, the exported file in onnxruntime with
32-bit floats and with 8-bit integers, and in OpenVINO. Each gives one map of logits in the
size of the images: ours the ensemble's, the plain network the mean of both images. Each family is
printed and saved when it is measured, so after an interruption the same command continues. Leave
OMP_NUM_THREADS unset.
"""

import argparse
from pathlib import Path

from mmamf_command_line import one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--out', type=Path, default=Path('docs/performance/families.json'), help='the results'
    )
    parser.add_argument(
        '--runs',
        type=Path,
        default=Path('docs/comparison'),
        metavar='DIR',
        help='results of trainings, for the column of mIoU; default: docs/comparison',
    )
    parser.add_argument(
        '--families', nargs='+', metavar='NAME', help='which; default: all, small ones first'
    )
    parser.add_argument('--size', nargs=2, type=int, default=[480, 640], metavar=('H', 'W'))
    parser.add_argument(
        '--threads', nargs='+', type=int, default=[1, 2], metavar='N', help='default: 1 2'
    )
    parser.add_argument('--rounds', type=int, default=9, help='default: 9')
    parser.add_argument(
        '--seconds',
        type=float,
        default=10,
        help='no further round of a family starts after this time; default: 10',
    )
    parser.add_argument('--report', action='store_true', help='measure nothing')
    args = parser.parse_args(argv)
    if not args.report:
        import_families(parser, args)
    return args


def import_families(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Fill in and check the names of the families."""
    from mmamf.benchmarks.families_report import FAMILIES

    unknown = set(args.families or ()) - set(FAMILIES)
    if unknown:
        parser.error(f'--families: expected some of {[*FAMILIES]}, got {sorted(unknown)}')
    args.families = args.families or [*FAMILIES]


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    args = parse_args(argv)
    from mmamf.benchmarks.families import measure_families

    measure_families(args)


if __name__ == '__main__':
    main()
