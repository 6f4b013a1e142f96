from collections.abc import Iterable

import cv2
import numpy as np
import torch

from .load_multimodal_images import image_key, is_present
from .missing_readings import missing_as_nan


def stack_planes(results: dict) -> np.ndarray:
    """Stack all modalities of a sample along channels, with NaN for missing readings.

    Args:
        results: A sample that :class:`LoadMultimodalImages` has loaded.

    Shape:
        (sum of the modalities' channels, H, W): uint8 if every modality is uint8, uint16 if that is
        enough for all, otherwise float32. A sample with a missing reading is float32.

    Raises:
        ValueError: If a transform has turned missing readings into integers.
    """
    markers = results.get('missing_values', {})
    images = []
    for name in results['modalities']:
        image = results[image_key(results, name)]
        if is_present(results, name):  # an absent modality is all zero and keeps its small dtype
            try:
                image = missing_as_nan(image, markers.get(name))
            except ValueError as error:
                path = results.get('modality_paths', {}).get(name)
                raise ValueError(f'modality {name!r} ({path}): {error}') from error
        images.append(image)
    # (H, W) or (H, W, C) each -> one (sum of C, H, W)
    planes = [plane[None] for image in images for plane in cv2.split(image)]
    return np.concatenate(planes, dtype=_smallest_dtype(images))


def _smallest_dtype(images: Iterable[np.ndarray]) -> type:
    dtypes = {image.dtype for image in images}
    if dtypes == {np.dtype(np.uint8)}:
        return np.uint8
    if dtypes <= {np.dtype(np.uint8), np.dtype(np.uint16)} and hasattr(torch, 'uint16'):
        return np.uint16
    return np.float32
