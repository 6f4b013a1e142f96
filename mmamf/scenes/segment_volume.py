from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.progress import track

from mmamf.deployment.class_count import IGNORE
from mmamf.ensemble import ENSEMBLE
from mmamf.whole_file import whole_file

from .check_result import check_result
from .label_volume import LabelVolume
from .piece_segmentor import PieceSegmentor
from .usage import Usage
from .volume import Volume


def segment_volume(
    segmentor: PieceSegmentor,
    files: Mapping[str, str | None],
    result: str | Path,
    show_progress: bool = True,
) -> Usage:
    """Segment a NIfTI volume into a NIfTI file of class indices, slice by slice.

    A slice without any reading gets the value 255.

    Args:
        segmentor: Segments the slices.
        files: Modality -> its NIfTI file; None if it is absent.
        result: The file to write. It appears when it is complete.
        show_progress: Whether to show a progress bar.

    Raises:
        FileNotFoundError: If a file does not exist.
        ImportError: If nibabel is not installed.
        ValueError: If the result exists; if the volumes differ in shape or affine, or do not match
            their descriptions; if the result cannot be written.
    """
    files = segmentor.complete(files)
    check_result(result, files.values())
    volume = Volume(files, segmentor.segmentor.descriptions)
    compressed = str(result).endswith('.gz')
    usage = Usage()
    try:
        with (
            whole_file(result) as draft,
            LabelVolume(draft, volume.header, volume.shape, compressed) as out,
        ):
            predicted = segmentor.maps(volume)
            shown = track(predicted, 'slices', len(volume), disable=not show_progress)
            for loaded, maps in shown:
                size = loaded.readings.shape
                out.write(maps[ENSEMBLE] if maps else np.full(size, IGNORE, np.uint8))
                usage.add(*size, is_seen=maps is not None)
    except OSError as error:
        raise ValueError(f'{result}: the file cannot be written: {error}') from error
    return usage
