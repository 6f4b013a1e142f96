from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

IGNORE = 255  # as in mmseg's LoadAnnotations
SHOWN = 5  # number of colors that an error names
ROWS = 256  # rows at once, so that huge maps need little memory


class LabelColors:
    """Maps the colors or gray values of label files to class indices.

    Args:
        colors: Class index of each color, such as ``{(255, 0, 0): 1, ...}`` in RGB, or of each gray
            value, such as ``{0: 0, 255: 1}``. The index 255 ignores the pixels. A sequence gives
            the colors of the classes 0, 1, 2, ...

    Raises:
        ValueError: If colors and gray values are mixed, one is named twice, or an index is not from
            0 to 255.
    """

    def __init__(self, colors: Mapping | Sequence) -> None:
        pairs = [*colors.items()] if isinstance(colors, Mapping) else None
        if pairs is None:
            pairs = [(tuple(c) if isinstance(c, Sequence) else c, i) for i, c in enumerate(colors)]
        keys = [key for key, _ in pairs]
        self.colored = bool(keys) and all(_is_color(key) for key in keys)
        if not keys or not (self.colored or all(type(key) is int for key in keys)):
            raise ValueError(
                'colors: expected colors (R, G, B) from 0 to 255 or gray values, but not both, got '
                f'{colors!r}'
            )
        if len(set(keys)) < len(keys):
            raise ValueError(f'colors: expected each color once, got {colors!r}')
        wrong = [index for _, index in pairs if type(index) is not int or not 0 <= index <= IGNORE]
        if wrong:
            raise ValueError(
                f'colors: expected class indices from 0 to 254, or {IGNORE} to ignore, got {wrong}'
            )
        codes = np.array([_code(key) if self.colored else key for key in keys], np.int64)
        order = codes.argsort()
        self._codes = codes[order]
        self._classes = np.array([index for _, index in pairs], np.uint8)[order]

    def to_classes(self, values: np.ndarray, ignored: np.ndarray, path: str) -> np.ndarray:
        """Turn stored values into class indices.

        Args:
            values: The integers of the file.
            ignored: Mask of the pixels where unknown values are ignored, (H, W).
            path: The file, for errors.

        Shape:
            - ``values``: (H, W, 3) if ``colored``, else (H, W).
            - Output: (H, W), uint8.

        Raises:
            ValueError: If the file has unknown colors.
        """
        if self.colored and values.dtype != np.uint8:
            raise ValueError(f'label map {path}: expected colors of 8 bits, got {values.dtype}')
        classes = np.empty(values.shape[:2], np.uint8)
        unknown = Counter()
        for start in range(0, len(values), ROWS):
            rows = slice(start, start + ROWS)
            codes = _code(np.moveaxis(values[rows], -1, 0)) if self.colored else values[rows]
            places = np.searchsorted(self._codes, codes).clip(max=len(self._codes) - 1)
            known = self._codes[places] == codes
            classes[rows] = np.where(known, self._classes[places], IGNORE)
            found = np.unique(codes[~known & ~ignored[rows]], return_counts=True)
            unknown.update(dict(zip(*(part.tolist() for part in found))))
        if unknown:
            most = unknown.most_common(SHOWN)
            listed = ', '.join(f'{self._name(code)} in {count} pixels' for code, count in most)
            more = f' and {len(unknown) - SHOWN} more' if len(unknown) > SHOWN else ''
            raise ValueError(
                f'label map {path}: expected the {len(self._codes)} colors of '
                f'LoadLabelMap(colors=...), got {listed}{more}. Name them there ({IGNORE} ignores '
                'them), or save the file without smoothing and lossy compression'
            )
        return classes

    def _name(self, code: float) -> str:
        if not self.colored:
            return f'{code:.12g}'
        return str(tuple(code >> shift & 255 for shift in (16, 8, 0)))


def _is_color(key: object) -> bool:
    return (
        isinstance(key, tuple)
        and len(key) == 3
        and all(type(value) is int and 0 <= value <= 255 for value in key)
    )


def _code(color: Sequence) -> np.ndarray:
    red, green, blue = (np.asarray(part, np.int32) for part in color)
    return red << 16 | green << 8 | blue
