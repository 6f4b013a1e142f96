"""Writes what was found and planned as one HTML file that opens offline."""

import base64
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mmamf.datasets.transforms.missing_readings import find_missing
from mmamf.visualization import colorize_image, overlay_labels

from .class_colors import choose_colors
from .counted import counted
from .findings.finding import Finding
from .findings.labels import class_shares
from .fixes.fixed_labels import FixedLabels
from .make_plan import Plan
from .prints.fingerprint import Fingerprint
from .prints.stored_image import read_bands
from .prints.summaries import ModalitySummary, Offset
from .samples.found_data import LABELS, SPLITS, FoundData, FoundSample
from .tell_choice import tell_choice

ROWS = 8  # samples of the strip
WIDTH = 260  # pixels of a picture in the strip
BARS = 128  # bars of a histogram
GROUPS = 12  # groups that the table of the split names


def write_report(
    data: FoundData,
    fingerprint: Fingerprint,
    findings: Sequence[Finding],
    plan: Plan | None,
    folder: Path,
) -> Path:
    """Write `report.html`: findings, samples, histograms, registration, classes, split and plan.

    Args:
        data: The samples.
        fingerprint: What their files contain.
        findings: What is wrong with them.
        plan: What was chosen; None if nothing can be.
        folder: Where the file goes.

    Returns:
        Its path.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    names = class_names(data, fingerprint)
    palette = choose_colors(fingerprint, len(names))
    shares = class_shares(fingerprint) if names else {}
    html = environment.get_template('report.html').render(
        title=data.root.resolve().name,
        lead=f'{counted(len(data.samples), "sample")} in {data.root.resolve()}',
        findings=findings,
        columns=data.columns,
        rows=[_row(data, fingerprint, sample, palette) for sample in _spread(data.samples)],
        legend=[
            dict(name=name, color=f'rgb{color}') for name, color in zip(names, palette, strict=True)
        ],
        modalities=[_modality(name, item) for name, item in fingerprint.modalities.items()],
        offsets=[_offset(offset) for offset in fingerprint.offsets.values()],
        sides=[*shares],
        classes=[
            dict(name=name, shares=[_share(shares[side].get(i, 0)) for side in shares])
            for i, name in enumerate(names)
        ],
        split=_split(data),
        plan={n: tell_choice(n, c) for n, c in plan.choices.items()} if plan else {},
    )
    path = folder / 'report.html'
    path.write_text(html, encoding='utf-8')
    return path


def class_names(data: FoundData, fingerprint: Fingerprint) -> list[str]:
    """Name all classes; those without a name get a number."""
    summary = fingerprint.label_summary
    count = max(summary.num_classes if summary else 0, len(data.classes))
    return [data.classes[i] if i < len(data.classes) else f'class_{i}' for i in range(count)]


def _spread(samples: Sequence[FoundSample]) -> list[FoundSample]:
    places = np.linspace(0, len(samples) - 1, min(ROWS, len(samples))).round().astype(int)
    return [samples[place] for place in places]


def _row(data: FoundData, fingerprint: Fingerprint, sample: FoundSample, palette: Sequence) -> dict:
    pictures = {}
    for name in data.modalities:
        if name in sample.files:
            pictures[name] = _picture(data.root / sample.files[name], fingerprint.modalities[name])
    shown = dict(pictures)
    if LABELS in sample.files:
        shown[LABELS] = _painted(data, fingerprint, sample, palette)
    return dict(
        name=sample.name,
        # A line may end after these signs, and nowhere else: numbers stay in one piece.
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
    """Map the first band to 0..255, which is shown in gray, so that painted classes stand out."""
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


def _modality(name: str, item: ModalitySummary) -> dict:
    counts, edges = _used(item.histogram, item.bins)
    top = max([*counts, 1])
    return dict(
        name=name,
        count=item.count,
        formats=_listed(item.formats),
        dtypes=_listed(item.dtypes),
        sizes=_listed({f'{w} x {h}': n for (h, w), n in item.sizes.items()}),
        kind=item.kind if item.unit == 'unknown' else f'{item.kind}, {item.unit}',
        mean=_numbers(item.mean),
        std=_numbers(item.std),
        missing=f'{100 * item.missing_share:.1f} % ({_numbers(item.missing)})'
        if item.missing
        else '-',
        # The root shows small shares beside large ones.
        bars=[round(100 * math.sqrt(count / top), 1) for count in counts],
        low=_numbers(edges[:1]),
        high=_numbers(edges[-1:]),
    )


def _offset(offset: Offset) -> dict:
    shown = dict(
        dx=_rounded(offset.dx, 1),
        dy=_rounded(offset.dy, 1),
        angle=f'{_rounded(offset.angle, 1)}°',
        scale=_rounded(offset.scale, 3),
    )
    if not offset.certainty:
        shown = dict.fromkeys(shown, '-')
    return dict(
        modality=offset.modality,
        certainty=_rounded(offset.certainty, 2),
        samples=offset.samples,
        **shown,
    )


def _rounded(value: float, digits: int) -> str:
    return f'{round(value, digits) + 0.0:.{digits}f}'  # a sum with 0 is never -0


def _used(counts: Sequence[int], edges: Sequence[float]) -> tuple[list[int], list[float]]:
    """Cut empty bins at both ends, and join the others to at most ``BARS``."""
    filled = [i for i, count in enumerate(counts) if count]
    if not filled:
        return [0], [0.0, 0.0]
    first, stop = filled[0], filled[-1] + 1
    step = max(1, math.ceil((stop - first) / BARS))
    joined = [sum(counts[i : min(i + step, stop)]) for i in range(first, stop, step)]
    return joined, [edges[first], edges[stop]]


def _listed(counts: Mapping) -> str:
    items = Counter(counts).most_common(3)
    more = f' and {len(counts) - 3} more' if len(counts) > 3 else ''
    if len(items) == 1:
        return str(items[0][0])
    return ', '.join(f'{value} ({count})' for value, count in items) + more


def _numbers(values: Sequence[float]) -> str:
    return ', '.join(f'{value + 0.0:.4g}' for value in values)


def _share(share: float) -> dict:
    return dict(text=f'{100 * share:.2f} %', width=round(100 * share, 1))


def _split(data: FoundData) -> list[dict]:
    rows = []
    for side in SPLITS:
        samples = data.of_split(side)
        groups = Counter(sample.group for sample in samples)
        shown = ', '.join(f'{g or "-"} ({n})' for g, n in groups.most_common(GROUPS))
        more = f' and {len(groups) - GROUPS} more' if len(groups) > GROUPS else ''
        if samples:
            rows.append(dict(side=side, count=len(samples), groups=shown + more))
    return rows
