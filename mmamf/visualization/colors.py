"""Turns raw images of any modality, and label maps, into visible colors."""

from collections.abc import Sequence

import cv2
import numpy as np
from torch import Tensor

from mmamf.datasets.transforms.missing_readings import find_missing
from mmamf.structures.listed import listed

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
SHOWN_RANGE = (1, 99)  # percentiles of the values at both ends of the color map
OPACITY = 0.5  # opacity of labels over an image


def colorize_image(
    image: np.ndarray, missing: float | Sequence[float] | None = None, bgr: bool = True
) -> np.ndarray:
    """Turn an image of any modality into RGB.

    8-bit images with one or three channels are shown as they are. One channel of another dtype,
    such as 16-bit depth or float temperatures, gets the color map turbo, from blue (low) to red
    (high). Images with another number of channels show their first channel.

    Args:
        image: An image in the units of its file.
        missing: Value that means "no reading", or several values. These pixels, NaN and infinity
            are black.
        bgr: Whether three channels are in the order blue, green, red.

    Shape:
        - image: (H, W) or (H, W, C).
        - Output: (H, W, 3), uint8.
    """
    if image.ndim == 3 and image.shape[2] != 3:
        image = image[..., 0]
    if image.ndim == 3:
        rgb = image[..., ::-1] if bgr else image
        readings = ~find_missing(rgb, listed(missing))
        return np.where(readings, _stretched(rgb, readings), np.uint8(0))
    readings = ~find_missing(image, listed(missing))
    gray = _stretched(image, readings)
    if image.dtype == np.uint8:
        rgb = cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)
    else:
        rgb = cv2.applyColorMap(gray, cv2.COLORMAP_TURBO)[..., ::-1].copy()
    rgb[~readings] = BLACK
    return rgb


def picture_of(image: Tensor) -> np.ndarray:
    """Turn a translated image into a picture: rounded, clipped, channels last.

    Args:
        image: RGB, 0..255.

    Shape:
        - image: (3, H, W).
        - Output: (H, W, 3), uint8.
    """
    return image.round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().cpu().numpy()


def colorize_labels(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Paint a label map in the colors of its classes.

    Args:
        labels: Class indices. Values outside the palette, such as 255, are ignored pixels and get
            the color of :func:`ignored_color`.
        palette: RGB color of every class, 0-255.

    Shape:
        - labels: (H, W).
        - Output: (H, W, 3), uint8.
    """
    colors = np.array([*palette, ignored_color(palette)], dtype=np.uint8)
    ignored = (labels < 0) | (labels >= len(palette))
    # stock segmentors with one output channel give float labels
    return colors[np.where(ignored, len(palette), labels).astype(np.int64)]


def overlay_labels(
    image: np.ndarray, labels: np.ndarray, palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """Paint a half-transparent label map over an image.

    Args:
        image: RGB, uint8.
        labels: Class indices, as in :func:`colorize_labels`.
        palette: RGB color of every class, 0-255.

    Shape:
        - image: (H, W, 3); labels: (H, W).
        - Output: (H, W, 3), uint8.
    """
    painted = colorize_labels(labels, palette)
    return cv2.addWeighted(image, 1 - OPACITY, painted, OPACITY, 0)


def ignored_color(palette: Sequence[Sequence[int]]) -> tuple[int, int, int]:
    """Choose black for pixels without a class, or white if a class is already black."""
    return WHITE if BLACK in [tuple(color) for color in palette] else BLACK


def _stretched(image: np.ndarray, readings: np.ndarray) -> np.ndarray:
    """Map the values of an image to 0-255; an 8-bit image stays as it is."""
    if image.dtype == np.uint8:
        return image
    values = image[readings]
    if values.size == 0:
        return np.zeros(image.shape, np.uint8)
    low, high = np.percentile(values, SHOWN_RANGE)
    scaled = (np.where(readings, image, low).astype(np.float64) - low) / max(high - low, 1e-12)
    return (scaled.clip(0, 1) * 255).astype(np.uint8)
