"""Writes a copy of a data set without the faults that a copy can mend."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from mmamf.datasets.transforms.read_image import read_content
from mmamf.datasets.transforms.read_label import decode_label

from .findings.labels import class_of
from .findings.pairs import SURE, is_far
from .findings.values import find_other_unit, find_swapped
from .prints.file_prints import ImagePrint, LabelPrint
from .prints.fingerprint import Fingerprint
from .prints.measure_label import decode_lossy
from .prints.stored_image import decode_stored
from .prints.summaries import Offset
from .samples.found_data import LABELS, FoundData

IGNORE = 255
CUT = 2  # pixels; a larger difference in size is another scale, not another border


class FixedImages:
    """Mends the images of one modality.

    Args:
        data: The samples.
        fingerprint: What their files contain.
        name: The modality.
    """

    def __init__(self, data: FoundData, fingerprint: Fingerprint, name: str) -> None:
        summary = fingerprint.modalities[name]
        self.name = name
        self.dtype = np.dtype(_most(summary.dtypes))
        self.channels = _most(summary.channels)
        self.swapped = set(find_swapped(fingerprint, name)) if summary.colored else set()
        self.factors = find_other_unit(fingerprint, name) if summary.kind == 'depth' else {}
        self.hole = next((v for v in summary.missing if v == v), 0.0)
        self.exact = summary.kind in ('depth', 'edge')  # values that must not be mixed
        offset = fingerprint.offsets.get(name)
        self.offset = offset if offset and offset.certainty >= SURE and is_far(offset) else None

    def is_clean(self, image: ImagePrint, size: tuple[int, int]) -> bool:
        """Tell whether a file needs no change."""
        return (
            image.orientation == 1
            and image.size == size
            and image.dtype == self.dtype.name
            and len(image.bands) == self.channels
            and image.path not in self.swapped
            and image.path not in self.factors
            and self.offset is None
        )

    def mend(self, source: Path, image: ImagePrint, size: tuple[int, int]) -> np.ndarray:
        """Read one file, and turn, convert, scale, cut and move its image.

        Returns:
            The image, colors in RGB order.

        Raises:
            ValueError: If its values or channels cannot be converted.
        """
        values = read_bands(source)
        values = upright(values, image.orientation)
        if image.path in self.swapped:
            values = values[..., ::-1]
        values = self._as_usual(values, image.path)
        values = fit(values, size, nearest=self.exact)
        return values if self.offset is None else move(values, self.offset, self.hole, self.exact)

    def _as_usual(self, values: np.ndarray, path: str) -> np.ndarray:
        channels = 1 if values.ndim == 2 else values.shape[2]
        if channels == 1 < self.channels:
            values = np.repeat(values.reshape(*values.shape[:2], 1), self.channels, 2)
        elif self.channels == 1 < channels and (values == values[..., :1]).all():
            values = values[..., 0]
        elif (self.channels, channels) == (3, 4):
            values = values[..., :3]
        elif channels != self.channels:
            raise ValueError(
                f'{path}: expected {self.channels} channel(s) as in most files of {self.name!r}, '
                f'got {channels}: remove the file, or convert it'
            )
        if path in self.factors:
            values = values * self.factors[path]
        if values.dtype == self.dtype:
            return values
        if self.dtype.kind in 'iu':
            limits = np.iinfo(self.dtype)
            values = np.nan_to_num(np.rint(values), nan=self.hole)
            if values.min() < limits.min or values.max() > limits.max:
                raise ValueError(
                    f'{path}: expected values that {self.dtype} can hold, as most files of '
                    f'{self.name!r} have, got {values.min():g} to {values.max():g}'
                )
        return values.astype(self.dtype)


def fix_data(data: FoundData, fingerprint: Fingerprint, out: Path) -> FoundData:
    """Write the copy, a folder per modality, and return its samples.

    Files without a fault are copied as they are. Samples with a file that cannot be read are left
    out.

    Args:
        data: The samples.
        fingerprint: What their files contain.
        out: Folder of the copy. It must be new or empty.

    Raises:
        FileExistsError: If the folder has files.
        ValueError: If a fault cannot be mended.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f'--fix: expected a new or empty folder, {out} has files')
    columns = {name: dict(fingerprint.images(name)) for name in data.modalities}
    if LABELS in data.columns:
        columns[LABELS] = dict(fingerprint.labels())
    menders = {name: FixedImages(data, fingerprint, name) for name in data.modalities}
    samples = []
    labels = FixedLabels(fingerprint) if LABELS in data.columns else None
    for sample in track(data.samples, f'writing {out}'):
        prints = {column: columns[column][sample.name] for column in sample.files}
        if any(part.error is not None for part in prints.values()):
            continue
        size = upright_size(prints[next(iter(sample.files))])
        files = {}
        for column, part in prints.items():
            source, values = data.root / part.path, None
            mender = labels if column == LABELS else menders[column]
            if not mender.is_clean(part, size):
                values = mender.mend(source, part, size)
            files[column] = _write(values, source, out, Path(column, sample.name))
        samples.append(replace(sample, files=files))
    if data.classes:
        (out / 'classes.txt').write_text('\n'.join(data.classes) + '\n')
    return replace(data, root=out, samples=tuple(samples), unused={}, remarks={})


def read_bands(path: Path) -> np.ndarray:
    """Read all bands of an image, in the order of the file: colors as RGB.

    Shape:
        (H, W) or (H, W, C).
    """
    stored = decode_stored(str(path), read_content(str(path)))
    image = stored.image[..., list(stored.order)]
    return image[..., 0] if image.shape[2] == 1 else image


def upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn the pixels of an image so that its orientation is 1.

    Args:
        values: (H, W) or (H, W, C), as stored.
        orientation: EXIF or TIFF orientation, 1 to 8.
    """
    if orientation in (2, 4, 5, 7):  # mirrored
        values = values[:, ::-1]
    turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)  # to the left
    return np.ascontiguousarray(np.rot90(values, turns))


def upright_size(image: ImagePrint | LabelPrint) -> tuple[int, int]:
    """Return the (H, W) of an image after :func:`upright`."""
    return image.size[::-1] if image.orientation >= 5 else image.size


def fit(values: np.ndarray, size: tuple[int, int], nearest: bool) -> np.ndarray:
    """Bring an image to a size: cut or repeat up to 2 border pixels, otherwise resize.

    Args:
        values: (H, W) or (H, W, C).
        size: (H, W) of the result.
        nearest: Whether values must not be mixed.
    """
    height, width = size
    if values.shape[:2] == size:
        return values
    if max(abs(values.shape[0] - height), abs(values.shape[1] - width)) <= CUT:
        values = values[:height, :width]
        border = [(0, height - values.shape[0]), (0, width - values.shape[1])]
        return np.pad(values, border + [(0, 0)] * (values.ndim - 2), mode='edge')
    how = cv2.INTER_NEAREST_EXACT if nearest else cv2.INTER_AREA
    planes = values.reshape(*values.shape[:2], -1)
    resized = [cv2.resize(np.ascontiguousarray(p), (width, height), interpolation=how)
               for p in np.moveaxis(planes, -1, 0)]  # fmt: skip
    return np.dstack(resized) if values.ndim == 3 else resized[0]


def move(values: np.ndarray, offset: Offset, hole: float, nearest: bool) -> np.ndarray:
    """Move an image so that it lies on the first modality.

    Args:
        values: (H, W) or (H, W, C).
        offset: How far, from :class:`Fingerprint`.
        hole: Value of pixels that come from outside.
        nearest: Whether values must not be mixed.
    """
    height, width = values.shape[:2]
    center = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(center, -offset.angle, offset.scale)
    matrix[:, 2] += (offset.dx, offset.dy)
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    planes = np.moveaxis(values.reshape(height, width, -1), -1, 0)
    moved = [
        cv2.warpAffine(np.ascontiguousarray(plane), matrix, (width, height), flags=how,
                       borderMode=cv2.BORDER_CONSTANT, borderValue=float(hole))
        for plane in planes
    ]  # fmt: skip
    return np.dstack(moved) if values.ndim == 3 else moved[0]


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


def _write(values: np.ndarray | None, source: Path, out: Path, name: Path) -> str:
    """Write an image, or copy its file if it is None; return the path below ``out``."""
    if values is None:
        path = out / f'{name}{source.suffix.lower()}'
    else:
        path = out / f'{name}{".png" if _fits_png(values) else ".npy"}'
    path.parent.mkdir(parents=True, exist_ok=True)
    if values is None:
        shutil.copy(source, path)
    elif path.suffix == '.npy':
        np.save(path, values)
    else:
        picture = values[..., ::-1] if values.ndim == 3 else values
        if not cv2.imwrite(os.fspath(path), picture):
            raise OSError(f'{path}: OpenCV cannot write it')
    return path.relative_to(out).as_posix()


def _fits_png(values: np.ndarray) -> bool:
    channels = 1 if values.ndim == 2 else values.shape[2]
    return values.dtype in (np.uint8, np.uint16) and channels in (1, 3)


def _most(counts: Mapping) -> object:
    return max(counts, key=counts.get)
