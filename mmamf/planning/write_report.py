"""Writes what was found and planned as one HTML file that opens offline."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .class_colors import choose_colors
from .counted import counted
from .findings.finding import Finding
from .findings.labels import class_shares
from .make_plan import Plan
from .prints.fingerprint import Fingerprint
from .prints.summaries import ModalitySummary, Offset
from .report_row import describe_row
from .samples.found_data import SPLITS, FoundData, FoundSample
from .tell_choice import tell_choice

ROWS = 8  # samples of the strip
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
        rows=[describe_row(data, fingerprint, sample, palette) for sample in _spread(data.samples)],
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
