"""Turns the vectors of a normal map with the picture."""

import numpy as np

from mmamf.structures.modality import Modality

# direction of a flip -> the signs of x and y
_FLIPS = dict(horizontal=(-1, 1), vertical=(1, -1), diagonal=(-1, -1))


def flip(direction: str) -> np.ndarray:
    """Return the matrix of a flip; x points to the right and y down.

    Args:
        direction: 'horizontal', 'vertical' or 'diagonal'.
    """
    return np.diag(_FLIPS[direction]).astype(float)


def rotation(degree: float) -> np.ndarray:
    """Return the matrix of a rotation; x points to the right and y down.

    Args:
        degree: Clockwise angle.
    """
    cos, sin = np.cos(np.radians(degree)), np.sin(np.radians(degree))
    return np.array([[cos, -sin], [sin, cos]])


def turn_normals(
    image: np.ndarray, modality: Modality, path: str, turn: np.ndarray | None, stretch: bool
) -> np.ndarray:
    """Turn the vectors of a normal map whose pixels were moved.

    In unsigned integers, 0 to the largest value mean -1 to 1. All other dtypes hold the components
    themselves, divided by the modality's ``scale``.

    Args:
        image: The moved map.
        modality: Its description.
        path: Its file; the suffix gives the order of the channels.
        turn: Matrix for x to the right and y down, or None.
        stretch: Whether to give every vector unit length.

    Shape:
        (H, W, 3), in the dtype of the image.
    """
    stored = np.dtype(modality.dtype)  # the image may be float32 by now
    center = np.iinfo(stored).max / 2 if stored.kind == 'u' else 0.0
    unit = center or 1 / modality.scale
    vectors = image.astype(np.float64) - center
    if turn is not None:
        x, y = (2, 1) if modality.is_bgr(path) else (0, 1)
        if modality.kind == 'normal':  # y is up
            turn = turn * [[1, -1], [-1, 1]]
        vectors[..., [x, y]] = vectors[..., [x, y]] @ turn.T
    if stretch:
        length = np.linalg.norm(vectors, axis=-1, keepdims=True)
        vectors *= unit / np.where(length > 0, length, unit)
    vectors += center
    if image.dtype.kind in 'iu':
        limits = np.iinfo(image.dtype)
        vectors = vectors.round().clip(limits.min, limits.max)
    return vectors.astype(image.dtype)
