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

--int8 and --float16 write a smaller file. They measure the mIoU of the whole file and of the small
one on the validation set, print the loss, and write it into the metadata. --int8 looks at images of
the training set to choose its scales.

OUT with the ending .xml is for OpenVINO; the weights are in the .bin file beside it.

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
    parser.add_argument('out', type=Path, help='the .onnx or .xml file to write')
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
    parser.add_argument(
        '--ensemble',
        action='store_true',
        help='put out the ensemble alone, without the modalities, which takes less time',
    )
    shrink = parser.add_mutually_exclusive_group()
    shrink.add_argument(
        '--int8',
        dest='shrink',
        action='store_const',
        const='int8',
        help='compute convolutions and matrix products with 8-bit integers',
    )
    shrink.add_argument(
        '--float16',
        dest='shrink',
        action='store_const',
        const='float16',
        help='compute the network with 16-bit floats: half the size, faster only on a GPU',
    )
    parser.add_argument(
        '--max-loss',
        type=float,
        metavar='POINTS',
        help='write nothing if --int8 or --float16 loses more mIoU than this; default: 1',
    )
    add_cfg_options(parser)
    args = parser.parse_args(argv)
    if args.max_loss is not None and not args.shrink:
        parser.error('--max-loss: expected --int8 or --float16 with it')
    if args.shrink and args.no_preprocessing:
        parser.error(
            f'--{args.shrink}: expected no --no-preprocessing with it, because the loss is '
            'measured on the files of the validation set'
        )
    if args.shrink and args.out.suffix.lower() == '.xml':
        parser.error(f'--{args.shrink}: expected an .onnx file, got {args.out}')
    if args.max_loss is None:
        args.max_loss = 1.0
    return args


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Export and check."""
    args = parse_args(argv)
    from mmamf.deployment.export_onnx import export

    export(args)


if __name__ == '__main__':
    main()
