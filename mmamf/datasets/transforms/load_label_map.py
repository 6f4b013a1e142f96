import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmengine.registry import TRANSFORMS
from mmseg.datasets.transforms import LoadAnnotations

from .label_colors import IGNORE, LabelColors
from .read_label import StoredLabel, read_label

SHOWN = 10  # number of values that an error names


@TRANSFORMS.register_module()
class LoadLabelMap(LoadAnnotations):
    """Load the label map like mmseg's LoadAnnotations, and refuse one that does not fit.

    The file has one channel of class indices. They are read as stored: the indices of a palette
    file, 0, 1, 2, ... of a file with 2 or 4 bits, or floats that are whole numbers. 255 and the
    data set's ``ignore_index`` (a number of the files, ``'nan'``, or a list) become 255 = ignored.
    The "no data" value of a TIFF does too, if it is not a class. Then ``reduce_zero_label`` and
    ``label_map`` apply, as in mmseg. If the files hold colors or other gray values, ``colors`` maps
    them to classes.

    The map must have the size of the images on disk (``ori_shape``), so it may be loaded before or
    after a Resize, as in mmseg's pipelines. Palette files whose colors differ give one warning.

    Args:
        colors: Class index of each color of the files, such as ``{(255, 0, 0): 1, ...}`` in RGB, or
            of each gray value, such as ``{0: 0, 255: 1}``. The index 255 ignores the pixels. A
            sequence gives the colors of the classes 0, 1, 2, ... Any other color is an error.
        **kwargs: Arguments of :class:`mmseg.datasets.transforms.LoadAnnotations`;
            ``imdecode_backend`` is not used.

    Shape:
        (H, W), uint8.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is damaged, has a lossy format, more than one channel, another size than
            the images, values that are not whole numbers or outside the classes, or colors that
            ``colors`` does not name.
    """

    def __init__(self, colors: Mapping | Sequence | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.colors = None if colors is None else LabelColors(colors)
        self._palette: dict[int, tuple[int, ...]] = {}  # index -> color, as seen so far
        self._warned: set[str] = set()

    def _load_seg_map(self, results: dict) -> None:
        path = results.get('seg_map_path')
        if path is None:
            raise ValueError(
                f'LoadLabelMap: expected a label map for {results.get("img_path")}, got none. Give '
                'the data set data_prefix=dict(seg_map_path=...), or leave LoadLabelMap out'
            )
        colored = self.colors is not None and self.colors.colored
        stored = read_label(path, self.backend_args, colored)
        size = tuple(results.get('ori_shape', stored.values.shape[:2]))
        if stored.values.shape[:2] != size:
            raise ValueError(
                f'label map and images differ in size (H, W): expected {size} as in '
                f'{results.get("img_path")}, got {stored.values.shape[:2]} in {path}'
            )
        if stored.palette is not None and self.colors is None:
            self._compare_palette(stored, path)
        label = self._mapping(results)[self._indices(stored, results)]
        num_classes = results.get('num_classes')
        if num_classes is not None:
            outside = label[(label >= num_classes) & (label != IGNORE)]
            if outside.size:
                advice = '' if self.colors else _advise(stored.values)
                raise ValueError(
                    f'label values outside the classes: expected 0..{num_classes - 1} or {IGNORE}, '
                    f'got {_listed(outside)} in {path} (as mapped by label_map and '
                    f'reduce_zero_label){advice}'
                )
        results['gt_seg_map'] = label
        results['seg_fields'] = [*results.get('seg_fields', []), 'gt_seg_map']

    def _indices(self, stored: StoredLabel, results: dict) -> np.ndarray:
        """Return the class indices of the file, (H, W), uint8."""
        path, values = results['seg_map_path'], stored.values
        if values.dtype.kind not in 'biuf':
            raise ValueError(f'label map {path}: expected whole numbers, got {values.dtype}')
        if values.dtype in (bool, np.int8):
            values = values.astype(np.int16)  # can hold 255
        ignored = np.zeros(values.shape[:2], bool)
        for value in self._ignore_values(stored, results) if values.ndim == 2 else ():
            ignored |= np.isnan(values) if value != value else values == value
        if self.colors is not None:
            return self.colors.to_classes(values, ignored, path)
        values = np.where(ignored, values.dtype.type(IGNORE), values) if ignored.any() else values
        if values.dtype.kind == 'f':
            wrong = values[~(np.isfinite(values) & (values == np.rint(values)))]
            if wrong.size:
                raise ValueError(
                    f'label map {path}: expected whole numbers, got {_listed(wrong)} in '
                    f'{wrong.size} of {values.size} pixels. If they mark no class, name them in '
                    "the data set's ignore_index ('nan' for NaN)"
                )
        if values.dtype != np.uint8:
            outside = values[(values < 0) | (values > IGNORE)]
            if outside.size:
                raise ValueError(
                    f'label values outside the classes: expected 0..{IGNORE}, got '
                    f'{outside.min():.15g}..{outside.max():.15g} in {path}{_advise(values)}'
                )
        return values.astype(np.uint8)

    def _ignore_values(self, stored: StoredLabel, results: dict) -> list[float]:
        """List the stored values that mean "no class", besides 255."""
        values = read_ignore_index(results.get('ignore_index', IGNORE))
        for value in stored.nodata:
            if 0 <= value < (results.get('num_classes') or IGNORE):
                self._warn_once(
                    'nodata',
                    f'{results["seg_map_path"]} calls {value:g} "no data", which is a class: its '
                    f'pixels train that class. To ignore them, set ignore_index={value:g} of the '
                    'data set',
                )
            else:
                values.append(value)
        return values

    def _mapping(self, results: dict) -> np.ndarray:
        """Return mmseg's final class index for each index of the file, (256,)."""
        reduce = results.get('reduce_zero_label', False)
        if self.reduce_zero_label not in (None, reduce):
            raise ValueError(
                f'reduce_zero_label: expected {reduce}, as in the data set, got '
                f'LoadLabelMap(reduce_zero_label={self.reduce_zero_label}). Set it in the data set '
                'only'
            )
        mapping = np.arange(IGNORE + 1, dtype=np.uint8)
        if reduce:
            mapping = np.array([IGNORE, *range(IGNORE - 1), IGNORE], np.uint8)
        label_map = results.get('label_map') or {}
        reduced = mapping.copy()
        for old, new in label_map.items():
            mapping[reduced == old] = new
        return mapping

    def _compare_palette(self, stored: StoredLabel, path: str) -> None:
        if 'palette' in self._warned:
            return
        used = np.flatnonzero(np.bincount(stored.values.ravel(), minlength=IGNORE + 1))
        used = used[used < len(stored.palette)]
        for index, color in zip(used.tolist(), stored.palette[used].tolist()):
            known = self._palette.setdefault(index, tuple(color))
            if known != tuple(color):
                self._warn_once(
                    'palette',
                    f'{path}: index {index} has the color {tuple(color)}, and {known} in a label '
                    'map read before. Indices are taken as classes, whatever their color; if the '
                    'colors are the classes, name them in LoadLabelMap(colors=...)',
                )
                return

    def _warn_once(self, what: str, text: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            print_log(text, logger='current', level=logging.WARNING)


def read_ignore_index(given: Any) -> list[float]:
    """List the values of a data set's ``ignore_index``: a whole number, 'nan', or several.

    Raises:
        ValueError: If one is something else.
    """
    several = isinstance(given, Sequence) and not isinstance(given, str)
    try:
        values = [float(value) for value in (given if several else [given])]
        if all(value.is_integer() or not math.isfinite(value) for value in values):
            return values
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(
        "ignore_index: expected a whole number that label files hold, 'nan', or a list of such, "
        f'got {given!r}. Without ignore_index, only {IGNORE} is ignored'
    )


def _advise(values: np.ndarray) -> str:
    """Suggest what to do about values that are not classes."""
    found = np.unique(values).tolist()
    if len(found) == 2 and found[0] == 0 and 1 < found[1] < math.inf:
        second = f'{found[1]:.15g}'
        return (
            f'. The file holds only 0 and {second}. If {second} stands for class 1, load '
            f'the labels with LoadLabelMap(colors={{0: 0, {second}: 1}})'
        )
    return ". If a value marks no class, name it in the data set's ignore_index"


def _listed(values: np.ndarray) -> list:
    different = np.unique(values).tolist()
    return different if len(different) <= SHOWN else [*different[:SHOWN], '...']
