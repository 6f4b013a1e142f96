"""Turns damaged images into those that files could hold."""

import numpy as np


def keep_readings(damaged: np.ndarray, image: np.ndarray, missing: float | None) -> np.ndarray:
    """Restore missing readings. A reading that became the missing value moves by one unit.

    Args:
        damaged: The damaged image in units of the file, not yet rounded.
        image: The image before.
        missing: Marker of "no reading"; None if there is none. NaN needs no restoring.
    """
    if missing is None or np.isnan(missing):
        return damaged
    damaged = as_stored(damaged, image.dtype)
    largest = np.iinfo(image.dtype).max if image.dtype.kind in 'iu' else np.inf
    beside = missing + 1 if missing + 1 <= largest else missing - 1
    damaged = np.where(damaged == missing, beside, damaged)
    return np.where(image == missing, missing, damaged)


def as_stored(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Turn an image into a dtype of files. For integers, it is rounded and clipped."""
    if dtype.kind in 'iu':
        image = image.round().clip(np.iinfo(dtype).min, np.iinfo(dtype).max)
    return image.astype(dtype)
