#!/usr/bin/env python3
"""Writes a trained segmentor as an ONNX file, and checks it with onnxruntime against PyTorch.

There is one named input for each modality, (N, C, H, W), float32, in the units of its files and in
the order of channels in which OpenCV reads them (BGR). N, H and W are dynamic. The outputs are the
logits (N, K, H, W) of the ensemble, `seg_logits`, and of each modality, `seg_logits_<name>`. With
one output for two classes, the sigmoid of the logit is compared with `threshold`. What else has to
be known is in the file's metadata, as JSON under the key `mmamf`.

A sample may lack modalities: their inputs are NaN then, all over, as if the network had been told.
What comes out for an absent modality is NaN, or 255. A missing reading is NaN as well, and becomes
the mean or the `fill` of its modality; values that a sensor's files have for it (`missing` in the
metadata) are for the caller to replace.

With --modality, the network of that modality alone is written: without fusion, as the others that
it would receive from are not there. The tool says at which points it was coupled to them.
"""

import argparse
from pathlib import Path

from command_line import add_cfg_options, add_model


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model(parser)
    parser.add_argument('out', type=Path, help='the ONNX file to write')
    parser.add_argument('--modality', metavar='NAME', help='write the network of this one alone')
    parser.add_argument(
        '--no-preprocessing',
        action='store_true',
        help='leave normalization to the caller; the inputs have as many channels as the network '
        'sees, and color is RGB where the config says bgr_to_rgb',
    )
    parser.add_argument(
        '--labels',
        action='store_true',
        help='put out class indices (N, H, W), uint8, `pred_sem_seg...`, instead of logits',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Export and check."""
    args = parse_args(argv)
    from mmamf.deployment.export_onnx import export

    export(args)


if __name__ == '__main__':
    main()
