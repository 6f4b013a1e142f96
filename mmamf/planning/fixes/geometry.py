"""Turns, cuts, resizes and moves images, so that the files of a sample lie over each other."""

import cv2
import numpy as np

from ..prints.file_prints import ImagePrint, LabelPrint
from ..prints.summaries import Offset

CUT = 2  # pixels; a larger difference in size is another scale, not another border


def upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn the pixels of an image so that its orientation is 1.

    Args:
        values: (H, W) or (H, W, C), as stored.
        orientation: EXIF or TIFF orientation, 1 to 8.
    """
    if orientation in (2, 4, 5, 7):  # mirrored
        values = values[:, ::-1]
    turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)  # to the left
    return np.ascontiguousarray(np.rot90(values, turns))


def upright_size(image: ImagePrint | LabelPrint) -> tuple[int, int]:
    """Return the (H, W) of an image after :func:`upright`."""
    return image.size[::-1] if image.orientation >= 5 else image.size


def fit(values: np.ndarray, size: tuple[int, int], nearest: bool) -> np.ndarray:
    """Bring an image to a size: cut or repeat up to 2 border pixels, otherwise resize.

    Args:
        values: (H, W) or (H, W, C).
        size: (H, W) of the result.
        nearest: Whether values must not be mixed.
    """
    height, width = size
    if values.shape[:2] == size:
        return values
    if max(abs(values.shape[0] - height), abs(values.shape[1] - width)) <= CUT:
        values = values[:height, :width]
        border = [(0, height - values.shape[0]), (0, width - values.shape[1])]
        return np.pad(values, border + [(0, 0)] * (values.ndim - 2), mode='edge')
    how = cv2.INTER_NEAREST_EXACT if nearest else cv2.INTER_AREA
    planes = values.reshape(*values.shape[:2], -1)
    resized = [cv2.resize(np.ascontiguousarray(p), (width, height), interpolation=how)
               for p in np.moveaxis(planes, -1, 0)]  # fmt: skip
    return np.dstack(resized) if values.ndim == 3 else resized[0]


def move(values: np.ndarray, offset: Offset, hole: float, nearest: bool) -> np.ndarray:
    """Move an image so that it lies on the first modality.

    Args:
        values: (H, W) or (H, W, C).
        offset: How far, from :class:`Fingerprint`.
        hole: Value of pixels that come from outside.
        nearest: Whether values must not be mixed.
    """
    height, width = values.shape[:2]
    center = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(center, -offset.angle, offset.scale)
    matrix[:, 2] += (offset.dx, offset.dy)
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    planes = np.moveaxis(values.reshape(height, width, -1), -1, 0)
    moved = [
        cv2.warpAffine(np.ascontiguousarray(plane), matrix, (width, height), flags=how,
                       borderMode=cv2.BORDER_CONSTANT, borderValue=float(hole))
        for plane in planes
    ]  # fmt: skip
    return np.dstack(moved) if values.ndim == 3 else moved[0]
