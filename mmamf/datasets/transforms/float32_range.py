from collections.abc import Iterable

import numpy as np

LARGEST = float(np.finfo(np.float32).max)


def check_float32_range(image: np.ndarray, path: str, missing: Iterable[float] = ()) -> None:
    """Refuse finite values that become infinite in float32, the type of networks.

    Args:
        image: The image as it was read. The caller checks NaN and infinity.
        path: The file, for the error.
        missing: Values that mean "no reading"; they may be of any size.

    Raises:
        ValueError: If the image has such a value.
    """
    if image.dtype.kind != 'f' or image.dtype.itemsize <= 4:
        return
    beyond = (np.abs(image) > LARGEST) & np.isfinite(image) & ~np.isin(image, [*missing])
    if beyond.any():
        raise ValueError(
            f'{path}: expected values within +-{LARGEST:.4g}, which float32 holds, got '
            f'{image[beyond][0]:g} and {beyond.sum() - 1} more of {image.size} values; if it means '
            '"no reading", name it in `missing`'
        )
