"""Segments images: writes masks of class indices, overlays, and a montage with a legend.

A checkpoint of a training contains its config. A modality that is not named counts as absent.
Example: infer.py iter_1200.pth rgb=photos/rgb depth=photos/depth --out segmented

A TIFF of more than 4096 x 4096 px is read and written by tiles, a NIfTI volume (.nii, .nii.gz) by
slices, and a video by frames.
"""

import argparse

from mmamf_command_line import import_lazily, one_line_errors

PACKAGES = ('apis', 'datasets', 'datasets.transforms', 'deployment', 'scenes', 'visualization')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('model', help='checkpoint, or .onnx or .xml file of tools/export_onnx.py')
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='MODALITY=IMAGES',
        type=modality_and_images,
        help='a folder, a file or a glob (in quotes) for each modality; the files of folders and '
        'globs are matched by name',
    )
    parser.add_argument('--out', metavar='DIR', required=True, help='where the results go')
    parser.add_argument(
        '--optional',
        nargs='+',
        metavar='MODALITY',
        default=(),
        help='modalities that a sample may lack; not needed for one without MODALITY=IMAGES, and '
        'for one that the model describes as optional',
    )
    parser.add_argument(
        '--probabilities',
        action='store_true',
        help='also write maps of the largest probability, the entropy and the disagreement of the '
        'modalities, as 16-bit PNG, in which 65535 means 1, or GeoTIFF with its scale inside',
    )
    parser.add_argument(
        '--guard',
        action='store_true',
        help='treat a modality as absent where its sensor looks broken; needs a checkpoint of '
        'tools/calibrate.py',
    )
    parser.add_argument('--config', help='config of the checkpoint, if it is not inside')
    parser.add_argument(
        '--no-embedded-config',
        action='store_true',
        help='refuse the config inside the checkpoint: --config is needed then',
    )
    parser.add_argument(
        '--allow-different-config',
        action='store_true',
        help='go on although --config contradicts the config inside the checkpoint',
    )
    parser.add_argument(
        '--tile',
        type=int,
        metavar='PX',
        help='read TIFF files by tiles of this side, also small ones, and write GeoTIFF masks; '
        'default for large ones: 512',
    )
    parser.add_argument(
        '--overlap',
        type=int,
        metavar='PX',
        help='overlap of neighboring tiles; default: an eighth of the tile',
    )
    parser.add_argument(
        '--watch',
        action='store_true',
        help='wait for files that a camera writes into the folders or globs, until Ctrl-C',
    )
    parser.add_argument('--batch-size', type=int, default=1, help='samples at once; default: 1')
    parser.add_argument('--device', help='such as cpu or cuda:0; default: the GPU if there is one')
    args = parser.parse_args(argv)
    names = [name for name, _ in args.inputs]
    if len(set(names)) < len(names):
        parser.error(f'expected each modality once, got {names}')
    if args.watch and (args.tile is not None or args.overlap is not None):
        parser.error('--watch: expected neither --tile nor --overlap with it')
    if args.watch and args.batch_size != 1:
        parser.error('--watch: expected no --batch-size with it, because samples come one by one')
    if args.no_embedded_config and args.config is None and not is_exported(args.model):
        parser.error('--no-embedded-config: expected the config of the checkpoint, --config FILE')
    return args


def is_exported(model: str) -> bool:
    """Tell whether a model is a file for onnxruntime or OpenVINO."""
    return model.lower().endswith(('.onnx', '.xml'))


def modality_and_images(argument: str) -> tuple[str, str]:
    """Split MODALITY=IMAGES into its two parts."""
    name, equals, images = argument.partition('=')
    if not (name and equals and images):
        raise argparse.ArgumentTypeError(f'expected MODALITY=IMAGES, got {argument!r}')
    return name, images


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Segment the images."""
    args = parse_args(argv)
    if is_exported(args.model):  # needs neither models nor data sets
        import_lazily(*PACKAGES)
    from mmamf.commands.infer import infer

    infer(args)


if __name__ == '__main__':
    main()
