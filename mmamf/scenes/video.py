import os.path as osp
from collections.abc import Iterator, Mapping

import cv2
import numpy as np

from mmamf.structures.modality import Modality

from .piece import Piece

GRAY = 8  # levels by which the channels of a compressed gray frame may differ


class Video:
    """Registered videos of one scene, which are read frame by frame with OpenCV.

    Frame i of every video belongs to the same moment. OpenCV gives three channels of 8 bits for
    every video. For a modality with one channel, they must be equal, except for the compression.

    Args:
        files: Modality -> its file; None if it is absent. At least one is there.
        descriptions: Modality -> its description.

    Attributes:
        fps: Frames per second of the first video.
        unequal: After the last frame that all videos have: what says that one of them is longer, or
            None.
        cut: The same for a video that ends before the frame count of its header.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If OpenCV cannot open a file.
    """

    def __init__(
        self, files: Mapping[str, str | None], descriptions: Mapping[str, Modality]
    ) -> None:
        self.files = dict(files)
        self.descriptions = descriptions
        self._captures = {name: _open(file) for name, file in files.items() if file}
        first = next(iter(self._captures.values()))
        self.fps = first.get(cv2.CAP_PROP_FPS)
        self.unequal: str | None = None
        self.cut: str | None = None

    def __iter__(self) -> Iterator[Piece]:
        """Yield the frames that all videos have.

        Raises:
            ValueError: If a video has colors though its modality has one channel.
        """
        i = 0
        while (frames := self._read(i)) is not None:
            images = {name: frames.get(name) for name in self.files}
            places = {name: f'{file}, frame {i}' for name, file in self.files.items()}
            yield Piece(f'{i:06d}', images, places)
            i += 1

    def _read(self, i: int) -> dict[str, np.ndarray] | None:
        read = {name: capture.read() for name, capture in self._captures.items()}
        ended = [self.files[name] for name, (is_read, _) in read.items() if not is_read]
        if not ended:
            return {name: self._convert(name, frame, i) for name, (_, frame) in read.items()}
        longer = [self.files[name] for name, (is_read, _) in read.items() if is_read]
        if longer:
            self.unequal = (
                f'expected videos of the same length, got {i} frames in {", ".join(ended)} and '
                f'more in {", ".join(longer)}. The first {i} are segmented'
            )
        for name, capture in self._captures.items():
            claimed = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            if self.files[name] in ended and i < claimed:
                self.cut = (
                    f'{self.files[name]}: {i} frames can be read, but its header says {claimed}'
                )
        return None

    def _convert(self, name: str, frame: np.ndarray, i: int) -> np.ndarray:
        if self.descriptions[name].num_channels != 1 or self.descriptions[name].bands:
            return frame[..., ::-1]  # from BGR to RGB
        if (frame.max(-1) - frame.min(-1)).max() > GRAY:
            raise ValueError(
                f'modality {name!r}: expected a gray video, because it has one channel, got colors '
                f'in {self.files[name]}, frame {i}'
            )
        return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)


def _open(file: str) -> cv2.VideoCapture:
    if not osp.isfile(file):
        raise FileNotFoundError(f'video not found: {file}')
    capture = cv2.VideoCapture(file)
    if not capture.isOpened():
        raise ValueError(f'{file}: expected a video, got a file that OpenCV cannot open as one')
    return capture
