"""Fits temperatures to a checkpoint on the validation set; writes a calibrated checkpoint.

The ensemble and every modality get a number that divides their logits, so that a probability of 0.8
is right in 80 % of the pixels. Masks stay the same. The table shows the measures of calibration
without and with temperature, each on the half of the images that was not used for the fit.

The checkpoint also gets the thresholds of the guard, which leaves out broken sensors.
"""

import argparse
from pathlib import Path

from mmamf_command_line import add_cfg_options, add_model, one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model(parser)
    parser.add_argument(
        '--out',
        metavar='FILE',
        type=Path,
        required=True,
        help='the calibrated checkpoint, a new file',
    )
    parser.add_argument(
        '--false-alarms',
        type=float,
        default=0.01,
        metavar='RATE',
        help='share of clean samples in which the guard leaves out an intact modality, for each '
        'modality; default: 0.01',
    )
    add_cfg_options(parser)
    args = parser.parse_args(argv)
    if not 0 < args.false_alarms < 1:
        parser.error(f'--false-alarms: expected a share between 0 and 1, got {args.false_alarms}')
    return args


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Calibrate."""
    args = parse_args(argv)
    from mmamf.analysis.calibrate import calibrate

    calibrate(args)


if __name__ == '__main__':
    main()
