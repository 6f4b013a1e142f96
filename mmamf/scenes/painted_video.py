from pathlib import Path

import cv2
import numpy as np


class PaintedVideo:
    """Writes pictures as the frames of an MP4 video.

    Use it in a ``with`` block, which completes the file.

    Args:
        path: The file, ``.mp4``.
        fps: Frames per second.

    Raises:
        ValueError: With the first frame, if OpenCV cannot write the file.
    """

    def __init__(self, path: str | Path, fps: float) -> None:
        self.path = str(path)
        self.fps = fps
        self._writer: cv2.VideoWriter | None = None

    def __enter__(self) -> 'PaintedVideo':
        return self

    def __exit__(self, *_) -> None:
        if self._writer is not None:
            self._writer.release()

    def write(self, picture: np.ndarray) -> None:
        """Write the next frame.

        Shape:
            - picture: (H, W, 3), RGB, uint8.
        """
        if self._writer is None:
            codec = cv2.VideoWriter_fourcc(*'mp4v')
            self._writer = cv2.VideoWriter(self.path, codec, self.fps, picture.shape[1::-1])
            if not self._writer.isOpened():
                raise ValueError(f'{self.path}: OpenCV cannot write this video')
        self._writer.write(np.ascontiguousarray(picture[..., ::-1]))
