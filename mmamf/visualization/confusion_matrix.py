"""Draws confusion matrices."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from .figures import save_figure

WRITTEN = 20  # classes up to which every cell has its number


def plot_confusion(matrix: np.ndarray, classes: Sequence[str], out: str | Path) -> None:
    """Draw a matrix into a file: of the pixels of each class (row), the percentage per prediction.

    Args:
        matrix: Number of pixels of each class (row) that are predicted as each class (column).
        classes: Names of the classes.
        out: The picture to write.

    Shape:
        - matrix: (K, K).
    """
    shares = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = max(4.0, min(0.48 * len(classes), 30.0))
    figure = Figure(figsize=(side + 2, side + 1.2), dpi=110, layout='constrained')
    axes = figure.subplots()
    image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=100)
    figure.colorbar(image, ax=axes, shrink=0.7, label='% of the pixels of the class')
    places = range(len(classes))
    size = 9 if len(classes) <= WRITTEN else 6
    axes.set_xticks(places, classes, rotation=90, fontsize=size)
    axes.set_yticks(places, classes, fontsize=size)
    axes.set(xlabel='prediction', ylabel='truth')
    if len(classes) <= WRITTEN:
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.5:
                color = 'white' if share > 55 else 'black'
                text = dict(ha='center', va='center', fontsize=8, color=color)
                axes.text(column, row, f'{share:.0f}', **text)
    save_figure(figure, out)
