import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from mmamf.apis.prediction_files import MASKS, OVERLAYS, make_out_folder
from mmamf.apis.sample_images import picture_of_image
from mmamf.deployment.class_count import IGNORE
from mmamf.ensemble import ENSEMBLE
from mmamf.visualization.colors import overlay_labels
from mmamf.visualization.save_picture import check_apart, save_picture

from .painted_video import PaintedVideo
from .piece_segmentor import PieceSegmentor
from .usage import Usage
from .video import Video


def segment_video(
    segmentor: PieceSegmentor, files: Mapping[str, str | None], out_dir: str | Path, name: str
) -> Usage:
    """Segment videos frame by frame.

    ``masks/NAME/000000.png`` and so on hold class indices; a frame without any reading gets 255.
    ``overlays/NAME.mp4`` shows them in color over the first modality. Only one batch of frames is
    in memory.

    Args:
        segmentor: Segments the frames.
        files: Modality -> its video; None if it is absent.
        out_dir: Folder of the results.
        name: Name of the scene.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a video cannot be opened, differs from the others in length or size, does not
            match its description, or would be overwritten. What was segmented before is kept.
    """
    masks, painted = Path(out_dir, MASKS, name), Path(out_dir, OVERLAYS, f'{name}.mp4')
    files = segmentor.complete(files)
    check_apart([painted], [file for file in files.values() if file])
    model = segmentor.segmentor
    video = Video(files, model.descriptions)
    make_out_folder(masks)
    make_out_folder(painted.parent)
    usage = Usage()
    first = next(key for key, file in files.items() if file)
    with PaintedVideo(painted, video.fps) as out:
        for loaded, maps in segmentor.maps(video):
            size = loaded.readings.shape
            labels = maps[ENSEMBLE] if maps else np.full(size, IGNORE, np.uint8)
            save_picture(masks / f'{loaded.piece.name}.png', labels)
            picture = picture_of_image(model.descriptions[first], loaded.piece.images[first])
            out.write(overlay_labels(picture, labels, model.palette))
            usage.add(*size, is_seen=maps is not None)
    if video.cut:
        print_log(video.cut, 'current', logging.WARNING)
    if video.unequal:
        raise ValueError(video.unequal)
    return usage
