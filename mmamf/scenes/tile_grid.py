from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

STEP = 16  # sides of the blocks in a tiled TIFF are multiples of this number


class Span(NamedTuple):
    """Where a tile lies along one axis, in px.

    Args:
        begin: First pixel that the tile contributes to.
        end: Pixel behind the last one that it contributes to.
        start: First pixel that the network sees; it sees pixels up to ``end``.
        is_first: Whether no tile is before it.
        is_last: Whether no tile is behind it.
    """

    begin: int
    end: int
    start: int
    is_first: bool
    is_last: bool

    @property
    def seen(self) -> slice:
        """The pixels that the network sees."""
        return slice(self.start, self.end)


class Tile(NamedTuple):
    """One tile of a scene.

    Args:
        rows: Where it lies from top to bottom.
        columns: Where it lies from left to right.
        column: Number of tiles to the left of it.
    """

    rows: Span
    columns: Span
    column: int

    @property
    def place(self) -> str:
        """Where the tile is, as text for messages."""
        (top, bottom), (left, right) = ((s.start, s.end - 1) for s in (self.rows, self.columns))
        return f'rows {top} to {bottom}, columns {left} to {right}'


class TileGrid:
    """Cuts a scene into overlapping tiles of equal size, row by row.

    A tile at the right or lower edge sees more of its neighbor, so that the network always gets
    tiles of the same size. But no pixel gets a part from more than two tiles along an axis. A scene
    that is smaller than a tile is one tile.

    Args:
        height: Height of the scene in px.
        width: Width of the scene in px.
        tile: Side of a tile in px.
        overlap: Width in px of the strip that neighboring tiles share.

    Raises:
        ValueError: If the overlap is more than half of the tile, or the distance between tiles is
            not a multiple of 16 px.
    """

    def __init__(self, height: int, width: int, tile: int, overlap: int) -> None:
        if tile < 1 or not 0 <= overlap <= tile / 2:
            raise ValueError(
                f'overlap: expected 0 to {max(tile, 0) // 2} px, half of the tile, got {overlap} '
                f'with a tile of {tile}'
            )
        if (tile - overlap) % STEP:
            raise ValueError(
                f'expected tile - overlap to be a multiple of {STEP} px, the size of blocks in the '
                f'result, got {tile} - {overlap} = {tile - overlap}'
            )
        self.shape = (height, width)
        self.tile = tile
        self.overlap = overlap

    @property
    def distance(self) -> int:
        """Distance between neighboring tiles in px."""
        return self.tile - self.overlap

    def __len__(self) -> int:
        """Count the tiles."""
        rows, columns = (len(self._spans(length)) for length in self.shape)
        return rows * columns

    def __iter__(self) -> Iterator[Tile]:
        """Yield the tiles row by row, from left to right."""
        rows, columns = map(self._spans, self.shape)
        for row, (index, column) in product(rows, enumerate(columns)):
            yield Tile(row, column, index)

    def _spans(self, length: int) -> list[Span]:
        count = max(1, -(-(length - self.overlap) // self.distance))
        spans = []
        for i in range(count):
            begin = i * self.distance
            end = min(begin + self.tile, length)
            spans.append(Span(begin, end, max(0, end - self.tile), i == 0, i == count - 1))
        return spans
