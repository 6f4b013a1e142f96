"""Measures how fast a config's training pipeline loads, compared with OpenCV on the same files.

Four loaders of the same samples take turns in one run: (1) OpenCV's decoding alone; (2) decoding,
then the resize and the crop that the recipe needs; (3) the config's pipeline, whose result stays in
the worker; (4) the pipeline as in training, whose result goes from the worker to the trainer. The
last table shows the time of each transform for one sample.
"""

import argparse

from mmamf_command_line import add_cfg_options, one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file with RandomScale and RandomCrop in training')
    parser.add_argument('--workers', type=int, nargs='+', default=[0, 2], help='worker processes')
    parser.add_argument('--samples', type=int, default=200, help='samples per repetition')
    parser.add_argument('--repeats', type=int, default=5, help='repetitions of each loader')
    add_cfg_options(parser)
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    args = parse_args(argv)
    from mmamf.benchmarks.loading import measure_loading

    measure_loading(args)


if __name__ == '__main__':
    main()
