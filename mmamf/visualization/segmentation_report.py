"""Writes what a test has found as a page that opens offline, with its pictures beside it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mmamf.ensemble import ENSEMBLE
from mmamf.evaluation.bootstrap_iou import Interval, bootstrap_difference, bootstrap_iou
from mmamf.whole_file import whole_file, write_json

from .confusion_matrix import plot_confusion
from .reliability_diagram import plot_reliability

if TYPE_CHECKING:
    from mmamf.evaluation.calibration_counts import CalibrationCounts

SHOWN = 20  # names in a list
MEAN = 'mean'


@dataclass
class Tested:
    """What was counted of one prediction: the ensemble's, or that of a modality.

    Args:
        names: Names of the images, in order.
        areas: Pixels of each class in intersection and union, (2, K) for each image.
        calibration: Counts of all images.
    """

    names: list[str] = field(default_factory=list)
    areas: list[np.ndarray] = field(default_factory=list)
    calibration: 'CalibrationCounts | None' = None


def write_report(
    title: str,
    classes: Sequence[str],
    tested: Mapping[str, Tested],
    confusion: np.ndarray,
    ranked: Mapping[str, Mapping[str, float]],
    left_out: Mapping[str, Sequence[str]],
    folder: Path,
) -> Path:
    """Write ``report.html``, ``report.json`` with all numbers, and the figures.

    Args:
        title: Heading of the page.
        classes: Names of the classes.
        tested: The ensemble, and every modality.
        confusion: Of the ensemble, see :func:`plot_confusion`.
        ranked: ``worst`` and ``uncertain`` -> names of images and their values, in order. The
            sheets ``worst.png`` and ``uncertain.png`` are the caller's.
        left_out: Modality -> names of the images in which the guard has left it out.
        folder: Where the files go.

    Returns:
        The path of the page.
    """
    intervals = {name: bootstrap_iou(part.areas) for name, part in tested.items()}
    differences = _compare(tested)
    numbers = dict(
        images={name: len(part.names) for name, part in tested.items()},
        IoU={
            name: {c: _as_json(i) for c, i in zip([*classes, MEAN], found)}
            for name, found in intervals.items()
        },
        ensemble_above={name: _as_json(found) for name, (_, found) in differences.items()},
        calibration={
            name: dict(ECE=100 * c.ece, Brier=c.brier, NLL=c.nll)
            for name, c in ((name, part.calibration) for name, part in tested.items())
        },
        confusion=confusion.tolist(),
        left_out={name: list(images) for name, images in left_out.items()},
        **{kind: dict(values) for kind, values in ranked.items()},
    )
    write_json(folder / 'report.json', numbers)
    plot_confusion(confusion, classes, folder / 'confusion.png')
    plot_reliability(
        {n: part.calibration for n, part in tested.items()}, folder / 'reliability.png'
    )
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    html = environment.get_template('segmentation_report.html').render(
        title=title,
        lead=f'{len(tested[ENSEMBLE].names)} images',
        sources=[*tested],
        rows=[
            dict(name=name, cells=[_cell(found[place]) for found in intervals.values()])
            for place, name in enumerate([*classes, MEAN])
        ],
        differences=[
            dict(name=name, count=count, **_cell(found, signed=True))
            for name, (count, found) in differences.items()
        ],
        left_out=[
            dict(name=name, count=len(images), names=_listed(images))
            for name, images in left_out.items()
        ],
        calibration=[
            dict(name=n, ece=f'{c["ECE"]:.2f}', brier=f'{c["Brier"]:.4f}', nll=f'{c["NLL"]:.4f}')
            for n, c in numbers['calibration'].items()
        ],
        worst=', '.join(f'{name} {value:.1f} %' for name, value in ranked['worst'].items()),
        uncertain=', '.join(f'{name} {value:.3f}' for name, value in ranked['uncertain'].items()),
    )
    path = folder / 'report.html'
    with whole_file(path) as draft:
        draft.write_text(html, encoding='utf-8')
    return path


def _compare(tested: Mapping[str, Tested]) -> dict[str, tuple[int, Interval]]:
    """Compare the ensemble with each modality, on the images that have it."""
    whole = dict(zip(tested[ENSEMBLE].names, tested[ENSEMBLE].areas))
    return {
        name: (
            len(part.names),
            bootstrap_difference([whole[image] for image in part.names], part.areas),
        )
        for name, part in tested.items()
        if name != ENSEMBLE
    }


def _cell(found: Interval, signed: bool = False) -> dict[str, str]:
    if math.isnan(found.value):
        return dict(value='-', range='')
    sign = '+' if signed else ''
    low, high = (f'{part:{sign}.1f}' for part in (found.low, found.high))
    return dict(value=f'{found.value:{sign}.1f}', range=f'{low}, {high}')


def _as_json(found: Interval) -> list[float] | None:
    return None if math.isnan(found.value) else [round(part, 3) for part in found]


def _listed(names: Sequence[str]) -> str:
    more = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
    return ', '.join(names[:SHOWN]) + more
