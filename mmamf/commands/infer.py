"""Segments images, and writes masks of class indices, overlays, and a montage with a legend."""

import argparse
from pathlib import Path

from mmamf.apis.multimodal_inferencer import MultimodalInferencer
from mmamf.apis.prediction_files import WRITTEN, make_out_folder
from mmamf.apis.uncertainty_files import UNCERTAINTY
from mmamf.ensemble import LEFT_OUT


def infer(args: argparse.Namespace) -> None:
    """Segment the images, given the arguments of `tools/infer.py`."""
    make_out_folder(args.out)  # fails before the model is loaded
    inferencer = MultimodalInferencer(
        args.model,
        args.config,
        args.device,
        allow_different_config=args.allow_different_config,
        guard=args.guard,
    )
    inputs = dict(args.inputs)
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
