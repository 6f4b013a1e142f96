"""Measures how long the fingerprint of a data set takes, compared with decoding its files.

Samples of a color JPEG, a 16-bit depth PNG and a label PNG (640 x 480) are written into a temporary
folder. Three measurements take turns: decoding all files, their fingerprint, and their fingerprint
again, with its cache.
"""

import argparse


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--samples', type=int, default=300, help='number of samples')
    parser.add_argument('--workers', type=int, default=2, help='worker processes')
    parser.add_argument('--repeats', type=int, default=5, help='repetitions of each measurement')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    args = parse_args(argv)
    from mmamf.benchmarks.fingerprint import measure_fingerprint

    measure_fingerprint(args)


if __name__ == '__main__':
    main()
