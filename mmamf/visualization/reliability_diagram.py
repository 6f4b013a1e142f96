"""Draws reliability diagrams: how often predictions of each confidence are right."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from .figures import add_grid, choose_colors, save_figure

if TYPE_CHECKING:
    from mmamf.evaluation.calibration_counts import CalibrationCounts

COLUMNS = 4  # panels in a row


def plot_reliability(counts: 'Mapping[str, CalibrationCounts]', out: str | Path) -> None:
    """Draw a panel for the ensemble and for each modality into a file.

    Bars are the accuracies of the bins, and points are their mean confidences: on the diagonal,
    both agree. Gray bars below show the share of the pixels.

    Args:
        counts: Name of the ensemble or of a modality -> its counts.
        out: The picture to write.
    """
    columns = min(len(counts), COLUMNS)
    rows = -(-len(counts) // COLUMNS)
    figure = Figure(figsize=(3.4 * columns, 3.5 * rows), dpi=120, layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes in panels[len(counts) :]:
        axes.set_visible(False)
    colors = choose_colors(counts)
    for axes, (name, count) in zip(panels, counts.items()):
        pixels = count.pixels.numpy()
        filled = pixels > 0
        edges = np.linspace(0, 1, len(pixels) + 1)
        places, width = (edges[:-1] + edges[1:]) / 2, 1 / len(pixels)
        accuracy = count.correct.numpy()[filled] / pixels[filled]
        confidence = count.confidence.numpy()[filled] / pixels[filled]
        axes.bar(places[filled], accuracy, width * 0.9, color=colors[name], alpha=0.55)
        axes.bar(places, pixels / pixels.sum(), width * 0.45, color='0.35', label='share of pixels')
        axes.plot([0, 1], [0, 1], color='0.4', linewidth=1, linestyle=':')
        axes.plot(confidence, accuracy, 'o', color=colors[name], markersize=4)
        axes.set(title=f'{name}: ECE {100 * count.ece:.1f} %', xlim=(0, 1), ylim=(0, 1))
        axes.set(xlabel='confidence', ylabel='accuracy')
        add_grid(axes)
    panels[0].legend(frameon=False, fontsize=8, loc='upper left')
    save_figure(figure, out)
