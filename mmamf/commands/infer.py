"""Segments images, and writes masks of class indices, overlays, and a montage with a legend."""

import argparse
from pathlib import Path

from mmamf.apis.multimodal_inferencer import MultimodalInferencer
from mmamf.apis.prediction_files import WRITTEN, make_out_folder
from mmamf.apis.uncertainty_files import UNCERTAINTY
from mmamf.ensemble import LEFT_OUT
from mmamf.scenes.input_kind import PICTURES, RASTER, has_coordinates, input_kind

from .infer_scenes import check_packages, infer_scenes, watch


def infer(args: argparse.Namespace) -> None:
    """Segment the images, given the arguments of `tools/infer.py`."""
    make_out_folder(args.out)  # fails before the model is loaded
    inputs = dict(args.inputs)
    kind = input_kind(inputs, by_tiles=args.tile is not None)
    if args.overlap is not None and kind != RASTER:
        raise ValueError(f'--overlap: expected TIFF files that are read by tiles, got {kind}')
    if args.watch and kind != PICTURES:
        raise ValueError(f'--watch: expected folders or globs of pictures, got {kind}')
    if args.probabilities and (args.watch or kind not in (PICTURES, RASTER)):
        raise ValueError(
            '--probabilities: expected pictures that are read as a whole, or TIFF files, got '
            f'{"--watch" if args.watch else kind}'
        )
    check_packages(kind)
    inferencer = MultimodalInferencer(
        args.model,
        args.config,
        args.device,
        allow_different_config=args.allow_different_config,
        guard=args.guard,
    )
    if args.watch:
        watch(inferencer.segmentor, args)
    elif kind != PICTURES:
        infer_scenes(inferencer.segmentor, kind, args)
    else:
        _infer_pictures(inferencer, inputs, args)


def _infer_pictures(
    inferencer: MultimodalInferencer, inputs: dict[str, str], args: argparse.Namespace
) -> None:
    results = inferencer.stream(
        inputs, args.batch_size, args.out, args.optional, args.probabilities
    )
    count, caught = 0, {}
    for name, maps in results:
        count += 1
        if maps.get(LEFT_OUT):
            caught[name] = maps[LEFT_OUT]
    for name, modalities in caught.items():
        print(f'{name}: left out {", ".join(modalities)}, whose sensor looks broken')
    if inferencer.segmentor.is_guarded:
        print(f'the guard left out a modality in {len(caught)} of {count} samples')
    for name in inferencer.modalities:
        if name not in inputs:
            print(f'all without {name}')
    written = (*WRITTEN, *UNCERTAINTY) if args.probabilities else WRITTEN
    print(f'{count} samples: {", ".join(str(Path(args.out, name)) for name in written)}')
    for path in filter(has_coordinates, inputs.values()):
        print(f'{path} has coordinates, but its mask has none; --tile 512 writes a GeoTIFF')
