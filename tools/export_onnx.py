#!/usr/bin/env python3
"""Writes a trained segmentor as an ONNX file, and compares onnxruntime with PyTorch on it.

Each modality has one named input, (N, C, H, W), float32, in the units of its files and in OpenCV's
order of channels (BGR). N, H and W are dynamic. The outputs are the logits (N, K, H, W) of the
ensemble, `seg_logits`, and of each modality, `seg_logits_<name>`. With one output for two classes,
a pixel is of class 1 if the sigmoid of its logit is above `threshold`. The metadata of the file has
everything else, as JSON under the key `mmamf`.

If a sample lacks a modality, all values of its input are NaN. Outputs of an absent modality are
NaN, or 255 for labels. A missing reading is NaN as well, and becomes the mean or the `fill` of its
modality. If the files mark missing readings by other values (`missing` in the metadata), the caller
has to replace these by NaN.

With --modality, the file has the network of that modality alone. It has no fusion, because the
other modalities are not there. The tool says at which points fusion connected them.
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


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Export and check."""
    args = parse_args(argv)
    from mmamf.deployment.export_onnx import export

    export(args)


if __name__ == '__main__':
    main()
