import tempfile
from pathlib import Path

import numpy as np

from .tile_grid import Span, Tile, TileGrid


class TileBlender:
    """Blends the scores of overlapping tiles, and gives those of each pixel when they are final.

    Across an overlap, the weight of one tile falls linearly from 1 to 0, and that of the other
    rises from 0 to 1. So the weights of a pixel add up to 1, and equal scores stay as they are.

    Memory does not grow with the scene. The right edge of a tile waits in memory for the next tile.
    The lower edges of a row of tiles wait in a temporary file for the row below.

    Args:
        grid: The tiles. They must be added in its order.
        num_scores: Number K of scores per pixel.
        folder: Folder of the temporary file; it takes K * overlap * width * 4 bytes.
    """

    def __init__(self, grid: TileGrid, num_scores: int, folder: str | Path | None = None) -> None:
        self.grid = grid
        self.num_scores = num_scores
        self._right: np.ndarray | None = None  # (K, H, overlap) of the tile to the left
        self._below = tempfile.TemporaryFile(dir=folder)

    def add(self, tile: Tile, scores: np.ndarray | None) -> tuple[slice, slice, np.ndarray]:
        """Add the scores of a tile.

        Args:
            tile: The next tile.
            scores: Scores of what the network has seen; None if there is nothing to see.

        Shape:
            - scores: (K, H, W).
            - blended: (K, h, w), float32.

        Returns:
            The rows and columns that are final now, and their blended scores.
        """
        rows, columns, overlap = tile.rows, tile.columns, self.grid.overlap
        size = (rows.end - rows.begin, columns.end - columns.begin)
        if scores is None:
            part = np.zeros((self.num_scores, *size), np.float32)
        else:
            top, left = rows.begin - rows.start, columns.begin - columns.start
            part = scores[:, top:, left:] * self._weights(rows)[:, None] * self._weights(columns)
        if not columns.is_first:
            part[..., :overlap] += self._right
        right = size[1] if columns.is_last else self.grid.distance
        bottom = size[0] if rows.is_last else self.grid.distance
        self._right = part[..., right:].copy()
        part = part[..., :right]
        if not rows.is_first:
            part[:, :overlap] += self._read(tile, right)
        if not rows.is_last:
            self._write(tile, part[:, bottom:])
        top, left = rows.begin, columns.begin
        return slice(top, top + bottom), slice(left, left + right), part[:, :bottom]

    def close(self) -> None:
        """Remove the temporary file."""
        self._below.close()

    def _weights(self, span: Span) -> np.ndarray:
        overlap = self.grid.overlap
        weights = np.ones(span.end - span.begin, np.float32)
        rising = (np.arange(overlap, dtype=np.float32) + np.float32(0.5)) / max(overlap, 1)
        if not span.is_first:
            weights[:overlap] = rising
        if not span.is_last:
            weights[len(weights) - overlap :] = 1 - rising
        return weights

    def _place(self, tile: Tile) -> int:
        return tile.column * self.num_scores * self.grid.overlap * self.grid.distance * 4

    def _read(self, tile: Tile, width: int) -> np.ndarray:
        shape = (self.num_scores, self.grid.overlap, width)
        self._below.seek(self._place(tile))
        content = self._below.read(4 * int(np.prod(shape)))
        return np.frombuffer(content, np.float32).reshape(shape)

    def _write(self, tile: Tile, strip: np.ndarray) -> None:
        self._below.seek(self._place(tile))
        self._below.write(np.ascontiguousarray(strip).tobytes())
