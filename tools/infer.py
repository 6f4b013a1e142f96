"""Segments images: writes masks of class indices, overlays, and a montage with a legend.

A checkpoint of a training contains its config. A modality that is not named counts as absent.
Example: infer.py iter_1200.pth rgb=photos/rgb depth=photos/depth --out segmented
"""

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import mmamf_command_line  # noqa: F401

PACKAGES = ('apis', 'datasets', 'datasets.transforms', 'deployment', 'visualization')


class _Package(ModuleType):
    """A package whose ``__init__`` runs when something is read from it, not at its import."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)
        self.__class__ = ModuleType
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def import_inferencer(model: str) -> type:
    """Import MultimodalInferencer; for an ONNX file, without models and data sets.

    ``import mmamf`` registers all of these, which takes three times as long as an ONNX file needs.
    """
    if Path(model).suffix.lower() == '.onnx' and 'mmamf' not in sys.modules:
        for name in ('mmamf', *(f'mmamf.{name}' for name in PACKAGES)):
            spec = importlib.util.find_spec(name)
            package = sys.modules[name] = _Package(name)
            package.__spec__, package.__path__ = spec, spec.submodule_search_locations
            package.__file__, package.__package__ = spec.origin, name
            parent, _, child = name.rpartition('.')
            if parent:
                setattr(sys.modules[parent], child, package)
    else:
        import mmamf  # noqa: F401  (first: it cures the stack)
    from mmamf.apis.multimodal_inferencer import MultimodalInferencer

    return MultimodalInferencer


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('model', help='checkpoint, or ONNX file of tools/export_onnx.py')
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
        help='modalities of which files may be missing; not needed for one that is not named',
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
    parser.add_argument('--batch-size', type=int, default=1, help='samples at once; default: 1')
    parser.add_argument('--device', help='such as cpu or cuda:0; default: the GPU if there is one')
    args = parser.parse_args(argv)
    names = [name for name, _ in args.inputs]
    if len(set(names)) < len(names):
        parser.error(f'expected each modality once, got {names}')
    if args.no_embedded_config and args.config is None and not args.model.lower().endswith('.onnx'):
        parser.error('--no-embedded-config: expected the config of the checkpoint, --config FILE')
    return args


def modality_and_images(argument: str) -> tuple[str, str]:
    """Split MODALITY=IMAGES into its two parts."""
    name, equals, images = argument.partition('=')
    if not (name and equals and images):
        raise argparse.ArgumentTypeError(f'expected MODALITY=IMAGES, got {argument!r}')
    return name, images


def main(argv: list[str] | None = None) -> None:
    """Segment the images."""
    args = parse_args(argv)
    inferencer_type = import_inferencer(args.model)
    # imported after import_inferencer, which decides what the import of mmamf runs
    from mmamf.apis.prediction_files import WRITTEN, make_out_folder

    try:
        make_out_folder(args.out)  # fails before the model is loaded
        inferencer = inferencer_type(
            args.model,
            args.config,
            args.device,
            allow_different_config=args.allow_different_config,
        )
        results = inferencer.stream(dict(args.inputs), args.batch_size, args.out, args.optional)
        count = sum(1 for _ in results)
    except (FileNotFoundError, ImportError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    for name in inferencer.modalities:
        if name not in dict(args.inputs):
            print(f'all without {name}')
    print(f'{count} samples: {", ".join(str(Path(args.out, n)) for n in WRITTEN)}')


if __name__ == '__main__':
    main()
