"""Segments images, and writes masks of class indices, overlays, and a montage with a legend."""

import argparse
from pathlib import Path

from mmamf.apis.multimodal_inferencer import MultimodalInferencer
from mmamf.apis.prediction_files import WRITTEN, make_out_folder


def infer(args: argparse.Namespace) -> None:
    """Segment the images, given the arguments of `tools/infer.py`."""
    make_out_folder(args.out)  # fails before the model is loaded
    inferencer = MultimodalInferencer(
        args.model,
        args.config,
        args.device,
        allow_different_config=args.allow_different_config,
    )
    inputs = dict(args.inputs)
    results = inferencer.stream(inputs, args.batch_size, args.out, args.optional)
    count = sum(1 for _ in results)
    for name in inferencer.modalities:
        if name not in inputs:
            print(f'all without {name}')
    print(f'{count} samples: {", ".join(str(Path(args.out, name)) for name in WRITTEN)}')
