from pathlib import Path

import numpy as np

from mmamf.datasets.transforms.label_colors import IGNORE
from mmamf.datasets.transforms.read_image import read_content
from mmamf.datasets.transforms.read_label import decode_label

from ..findings.labels import class_of
from ..prints.file_prints import LabelPrint
from ..prints.fingerprint import Fingerprint
from ..prints.measure_label import decode_lossy
from .geometry import fit, upright


class FixedLabels:
    """Writes class indices in place of what label files hold.

    Args:
        fingerprint: What the files contain.
    """

    def __init__(self, fingerprint: Fingerprint) -> None:
        self.summary = fingerprint.label_summary
        palettes = (label for _, label in fingerprint.labels() if label.palette)
        first = next(palettes, None)
        self.palette = first.palette if first else ''
        self.palette_colors = first.palette_colors if first else ()

    def is_clean(self, label: LabelPrint, size: tuple[int, int]) -> bool:
        """Tell whether a file needs no change."""
        return (
            self.summary.mapping is None
            and self.summary.coding in ('indices', 'palette')
            and not self.summary.reduce_zero_label
            and not label.lossy
            and label.palette in ('', self.palette)
            and label.dtype == 'uint8'
            and label.orientation == 1
            and label.size == size
        )

    def mend(self, source: Path, label: LabelPrint, size: tuple[int, int]) -> np.ndarray:
        """Read the class indices of one file.

        Returns:
            (H, W), uint8, 255 where a pixel is ignored.
        """
        values = upright(_read_label(source, label), label.orientation)
        if label.palette not in ('', self.palette):
            values = self._by_color(values, label)
        if self.summary.coding == 'instances':
            indices = (values != 0).astype(np.uint8)
        elif label.lossy:
            indices = self._nearest(values)
        else:
            indices = self._exact(values)
        return fit(indices, size, nearest=True)

    def _by_color(self, values: np.ndarray, label: LabelPrint) -> np.ndarray:
        """Replace the indices of one palette by those of the first palette."""
        place = {color: index for index, color in reversed([*enumerate(self.palette_colors)])}
        used = {int(value) for value in label.values}
        strange = sorted(v for v in used if label.palette_colors[v] not in place)
        if strange:
            raise ValueError(
                f'{label.path}: expected the colors of the first palette, got '
                f'{label.palette_colors[strange[0]]}: convert this file'
            )
        table = np.zeros(256, np.uint8)
        for value in used:
            table[value] = place[label.palette_colors[value]]
        return table[values]

    def _exact(self, values: np.ndarray) -> np.ndarray:
        result = np.full(values.shape[:2], IGNORE, np.uint8)
        if values.ndim == 3:
            for color, index in self.summary.mapping.items():
                result[(values == color).all(-1)] = index
            return result
        if values.dtype.kind == 'f':
            values = np.where(np.isfinite(values), np.rint(values), -1)
        for value in np.unique(values):
            index = class_of(self.summary, value.item()) if value >= 0 else None
            if index is not None:
                result[values == value] = index
        return result

    def _nearest(self, values: np.ndarray) -> np.ndarray:
        """Take the class whose value or color is nearest."""
        summary = self.summary
        known = [*summary.mapping] if summary.mapping else [*range(summary.num_classes)]
        classes = [class_of(summary, key) for key in known]
        table = np.array([IGNORE if index is None else index for index in classes], np.uint8)
        points = values.reshape(values.shape[0] * values.shape[1], -1).astype(np.float32)
        distances = [((points - np.float32(key)) ** 2).sum(1) for key in known]
        return table[np.argmin(distances, 0)].reshape(values.shape[:2])


def _read_label(path: Path, label: LabelPrint) -> np.ndarray:
    content = read_content(str(path))
    if label.lossy:
        return decode_lossy(str(path), content).values
    return decode_label(str(path), content, bool(label.colors)).values
