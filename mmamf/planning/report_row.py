"""Makes the pictures of one sample for the report."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmamf.datasets.transforms.missing_readings import find_missing
from mmamf.visualization import colorize_image, overlay_labels

from .fixes.fixed_labels import FixedLabels
from .prints.fingerprint import Fingerprint
from .prints.stored_image import read_bands
from .prints.summaries import ModalitySummary
from .samples.found_data import LABELS, FoundData, FoundSample

WIDTH = 260  # pixels of a picture


def describe_row(
    data: FoundData, fingerprint: Fingerprint, sample: FoundSample, palette: Sequence
) -> dict:
    """Describe one sample for the report: its name, its side of the split, and small pictures.

    Args:
        palette: A color for each class.
    """
    pictures = {}
    for name in data.modalities:
        if name in sample.files:
            pictures[name] = _picture(data.root / sample.files[name], fingerprint.modalities[name])
    shown = dict(pictures)
    if LABELS in sample.files:
        shown[LABELS] = _painted(data, fingerprint, sample, palette)
    return dict(
        name=sample.name,
        # A line may end after _ or /, and nowhere else: numbers stay in one piece.
        parts=re.findall(r'[^_/]+[_/]*|[_/]+', sample.name),
        split=sample.split or '',
        pictures=[
            dict(
                url=_as_url(shown.get(column)),
                instead='cannot be read' if column in sample.files else 'absent',
            )
            for column in data.columns
        ],
    )


def _picture(path: Path, summary: ModalitySummary, in_gray: bool = False) -> np.ndarray | None:
    try:
        image = read_bands(path)
    except (FileNotFoundError, ValueError):  # a finding names it
        return None
    if in_gray and not summary.colored:
        image = _stretch(image, summary.missing)
    return _small(colorize_image(image, summary.missing or None, bgr=False))


def _stretch(image: np.ndarray, missing: Sequence[float]) -> np.ndarray:
    """Stretch the first band to gray values 1..255 (0: missing), so that classes stand out."""
    band = image if image.ndim == 2 else image[..., 0]
    band = np.where(find_missing(band, missing), np.nan, band.astype(np.float32))
    low, high = np.nanpercentile(band, (1, 99)) if np.isfinite(band).any() else (0, 1)
    gray = ((band - low) / max(high - low, 1e-12)).clip(0, 1) * 254 + 1
    return np.nan_to_num(gray).astype(np.uint8)


def _painted(
    data: FoundData, fingerprint: Fingerprint, sample: FoundSample, palette: Sequence
) -> np.ndarray | None:
    label = next((part for name, part in fingerprint.labels() if name == sample.name), None)
    first = next((name for name in data.modalities if name in sample.files), None)
    if label is None or label.error is not None or first is None:
        return None
    path, summary = data.root / sample.files[first], fingerprint.modalities[first]
    background = _picture(path, summary, in_gray=True)
    if background is None:
        return None
    indices = FixedLabels(fingerprint).mend(data.root / label.path, label, label.size)
    size = background.shape[1::-1]
    small = cv2.resize(indices, size, interpolation=cv2.INTER_NEAREST)
    return overlay_labels(background, small, palette)


def _small(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if width <= WIDTH:
        return image
    return cv2.resize(image, (WIDTH, max(1, round(height * WIDTH / width))),
                      interpolation=cv2.INTER_AREA)  # fmt: skip


def _as_url(image: np.ndarray | None) -> str:
    if image is None:
        return ''
    _, content = cv2.imencode('.jpg', image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 88))
    return f'data:image/jpeg;base64,{base64.b64encode(content).decode()}'
