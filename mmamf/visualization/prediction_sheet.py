from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .colors import colorize_labels, ignored_color
from .save_picture import save_picture

FONT = Path('fonts', 'ttf', 'DejaVuSans.ttf')  # relative to matplotlib's data folder
FONT_SIZE = 27  # px
GAP = 8  # px between tiles
MARGIN = 20  # px around the sheet
LINE = 46  # px, height of a line of text
SWATCH = 30  # px, side of a legend entry's color
TEXT_COLOR = (30, 30, 30)
IGNORED = 'ignored'


class PredictionSheet:
    """A picture with a row per sample, a column per input and label map, and a legend of classes.

    Tiles are about ``tile_width`` wide. Small images are enlarged by whole factors without
    smoothing, and large images are reduced.

    Args:
        classes: Names of the classes; none if only images are shown.
        palette: RGB color of every class, 0-255.
        tile_width: Width of a tile in px.

    Raises:
        ValueError: If there is not exactly one color per class.
    """

    def __init__(
        self, classes: Sequence[str], palette: Sequence[Sequence[int]], tile_width: int = 320
    ) -> None:
        if len(classes) != len(palette):
            raise ValueError(
                f'palette: expected a color for each of {len(classes)} classes, got {len(palette)}'
            )
        self.classes = list(classes)
        self.palette = [tuple(int(value) for value in color) for color in palette]
        self.tile_width = tile_width
        from matplotlib import get_data_path  # here, because it is slow and hooks import this file

        self._font = ImageFont.truetype(str(Path(get_data_path(), FONT)), FONT_SIZE)
        self._rows: list[tuple[str, dict[tuple[bool, str], np.ndarray | None]]] = []
        self._any_ignored = False

    def add_row(
        self,
        name: str,
        images: dict[str, np.ndarray | None],
        label_maps: dict[str, np.ndarray | None] | None = None,
    ) -> None:
        """Add a sample.

        Args:
            name: Text beside the row.
            images: Column heading -> RGB image, uint8.
            label_maps: Column heading -> class indices.

        If this row lacks a column of another row, or has None there, the cell stays empty. With
        None, the column has its place already if a later row is the first to fill it.

        Shape:
            - images: (H, W, 3); label_maps: (H, W).
        """
        tiles = {
            (False, key): None if image is None else self._tile(image)
            for key, image in images.items()
        }
        for key, labels in (label_maps or {}).items():
            if labels is None:
                tiles[True, key] = None
                continue
            self._any_ignored |= bool((labels >= len(self.classes)).any())
            tiles[True, key] = self._tile(colorize_labels(labels, self.palette), exact=True)
        self._rows.append((name, tiles))

    def draw(self) -> np.ndarray:
        """Draw the sheet.

        Shape:
            - Output: (H, W, 3), RGB, uint8.

        Raises:
            ValueError: If it has no row.
        """
        if not self._rows:
            raise ValueError('PredictionSheet: expected at least one row, got none')
        columns = list(dict.fromkeys(key for _, tiles in self._rows for key in tiles))
        filled = {key for _, tiles in self._rows for key, tile in tiles.items() if tile is not None}
        columns = [key for key in columns if key in filled]
        shapes = [
            tile.shape for _, tiles in self._rows for tile in tiles.values() if tile is not None
        ]
        cell_h, cell_w = (max(shape[axis] for shape in shapes) for axis in (0, 1))
        cell_w = max(cell_w, *(self._length(heading) for _, heading in columns))
        left, top = MARGIN + LINE, MARGIN + LINE
        width = left + len(columns) * (cell_w + GAP) - GAP + MARGIN
        entries = self._entries()
        longest = max((self._length(text) for text, _ in entries), default=0)
        entry_width = SWATCH + 3 * GAP + longest
        per_line = max(1, min(len(entries), (width - left - MARGIN) // entry_width))
        lines = -(-len(entries) // per_line)
        per_line = -(-len(entries) // max(1, lines))  # lines of equal length
        legend_top = top + len(self._rows) * (cell_h + GAP) + GAP
        height = legend_top + lines * LINE + MARGIN

        sheet = Image.new('RGB', (width, height), 'white')
        canvas = ImageDraw.Draw(sheet)
        for i, (_, heading) in enumerate(columns):
            x = left + i * (cell_w + GAP) + cell_w // 2
            self._write(canvas, (x, MARGIN + LINE // 2 - GAP // 2), heading, 'mm')
        for j, (name, tiles) in enumerate(self._rows):
            y = top + j * (cell_h + GAP)
            self._write_upwards(sheet, (MARGIN, y), name, cell_h)
            for i, column in enumerate(columns):
                if tiles.get(column) is not None:
                    tile = Image.fromarray(tiles[column])
                    x = left + i * (cell_w + GAP) + (cell_w - tile.width) // 2
                    sheet.paste(tile, (x, y + (cell_h - tile.height) // 2))
        for k, (text, color) in enumerate(entries):
            x = left + k % per_line * entry_width
            y = legend_top + k // per_line * LINE + (LINE - SWATCH) // 2
            canvas.rectangle((x, y, x + SWATCH, y + SWATCH), fill=color, outline=TEXT_COLOR)
            self._write(canvas, (x + SWATCH + GAP, y + SWATCH // 2), text, 'lm')
        return np.asarray(sheet)

    def save(self, path: str | Path) -> None:
        """Draw the sheet, and save it as PNG with :func:`save_picture`."""
        save_picture(path, self.draw(), optimize=True)

    def _entries(self) -> list[tuple[str, tuple[int, int, int]]]:
        entries = list(zip(self.classes, self.palette, strict=True))
        return entries + [(IGNORED, ignored_color(self.palette))] * self._any_ignored

    def _tile(self, image: np.ndarray, exact: bool = False) -> np.ndarray:
        h, w = image.shape[:2]
        scale = self.tile_width / w
        if scale >= 1:
            scale, exact = int(scale), True
        size = (round(w * scale), max(1, round(h * scale)))
        return cv2.resize(image, size, interpolation=cv2.INTER_NEAREST if exact else cv2.INTER_AREA)

    def _length(self, text: str) -> int:
        return int(self._font.getlength(text)) + 1

    def _write(
        self, canvas: ImageDraw.ImageDraw, position: tuple[int, int], text: str, anchor: str
    ) -> None:
        canvas.text(position, text, TEXT_COLOR, self._font, anchor)

    def _write_upwards(
        self, sheet: Image.Image, position: tuple[int, int], text: str, length: int
    ) -> None:
        while len(text) > 1 and self._length(text) > length:
            text = '…' + text.lstrip('…')[1:]
        strip = Image.new('RGB', (length, LINE - GAP), 'white')
        self._write(ImageDraw.Draw(strip), (length // 2, (LINE - GAP) // 2), text, 'mm')
        sheet.paste(strip.rotate(90, expand=True), position)
