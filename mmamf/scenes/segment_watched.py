import sys
import time
from pathlib import Path

import numpy as np

from mmamf.apis.prediction_files import PredictionFiles
from mmamf.apis.sample_images import picture_of_image
from mmamf.deployment.class_count import IGNORE
from mmamf.ensemble import ENSEMBLE

from .piece import Piece
from .piece_segmentor import PieceSegmentor
from .usage import Usage
from .watched_folder import WatchedFolder

POLL = 0.25  # seconds between two looks


def segment_watched(
    segmentor: PieceSegmentor, folder: WatchedFolder, out_dir: str | Path, usage: Usage
) -> None:
    """Segment the samples that appear in folders, until the program is interrupted.

    ``masks/NAME.png`` and ``overlays/NAME.png`` are as those of ``tools/infer.py``. A line is
    printed for each sample, and on the error stream for each one that is given up.

    Args:
        segmentor: Segments the samples.
        folder: The folders.
        out_dir: Folder of the results.
        usage: Counts the pixels.

    Raises:
        ValueError: If the network cannot take a sample, or a result cannot be written.
    """
    model = segmentor.segmentor
    out = PredictionFiles(out_dir, model.classes, model.palette, count=0)
    while True:
        ready, messages = folder.look()
        for message in messages:
            _report(message)
        for name, files in ready.items():
            images = {modality: files.get(modality) for modality in model.modalities}
            out.check_inputs({name: images})
            try:
                loaded = segmentor.load(Piece(name, images, files))
                pictures = {m: picture_of_image(model.descriptions[m], images[m]) for m in images}
            except (FileNotFoundError, ValueError) as error:
                if folder.failed(name):
                    _report(f'{name}: given up after {folder.patience:g} s: {error}')
                continue
            maps, size = segmentor.predict(loaded), loaded.readings.shape
            out.write(name, pictures, maps or {ENSEMBLE: np.full(size, IGNORE, np.uint8)})
            folder.finished(name)
            usage.add(*size, is_seen=maps is not None)
            print(name if maps else f'{name}: no reading', flush=True)
        time.sleep(POLL)


def _report(message: str) -> None:
    print(f'warning: {message}', file=sys.stderr, flush=True)
