from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mmamf.apis.match_inputs import Image


class Piece(NamedTuple):
    """A part of a scene that a network segments at once: a tile, a slice or a frame.

    Args:
        name: Its name.
        images: Modality -> its image; None if it is absent. Color arrays are in RGB order.
        places: Modality -> where the image comes from, as text for messages.
    """

    name: str
    images: Mapping[str, Image | None]
    places: Mapping[str, str]


class LoadedPiece(NamedTuple):
    """A piece that is ready for a network.

    Args:
        piece: The piece.
        readings: Pixels in which some modality has a reading, (H, W), bool.
        data: What a segmentor takes; None if there is no reading at all.
    """

    piece: Piece
    readings: np.ndarray
    data: dict | None
