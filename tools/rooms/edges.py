"""Edges of a room's texture and of its occlusions, from the noise-free images."""

import cv2
import numpy as np


def texture_edges(photo: np.ndarray) -> np.ndarray:
    """Return the strength of brightness and color edges of a noise-free 8-bit photo.

    Shape:
        - photo: (H, W, 3)
        - Output: (H, W), uint8
    """
    values = photo.astype(np.float32)
    across = cv2.Sobel(values, cv2.CV_32F, 1, 0) / 4
    down = cv2.Sobel(values, cv2.CV_32F, 0, 1) / 4
    return np.clip(np.rint(2 * np.hypot(across, down).max(-1)), 0, 255).astype(np.uint8)


def occlusion_edges(depth: np.ndarray) -> np.ndarray:
    """Return the strength of steps in depth; slanted planes have none.

    On the image of a plane, inverse depth is linear, so its second difference is zero. It peaks
    where one surface starts to hide another. 255 means a step of a quarter of the depth.

    Shape:
        - depth: (H, W), meters
        - Output: (H, W), uint8
    """
    inverse = np.pad(1 / depth, 1, mode='reflect', reflect_type='odd')
    center = inverse[1:-1, 1:-1]
    across = np.abs(inverse[1:-1, :-2] + inverse[1:-1, 2:] - 2 * center)
    down = np.abs(inverse[:-2, 1:-1] + inverse[2:, 1:-1] - 2 * center)
    bend = np.maximum(across, down) * depth  # share of the inverse depth
    return np.clip(np.rint(255 * (bend - 0.02) / 0.25), 0, 255).astype(np.uint8)
