"""What all figures share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmamf.ensemble import ENSEMBLE
from mmamf.whole_file import whole_file


def choose_colors(names: Iterable[str]) -> dict[str, Any]:
    """Choose a color for each modality or other name; the ensemble is black."""
    colors = matplotlib.color_sequences['tab10']
    chosen = {name: colors[index % len(colors)] for index, name in enumerate(names)}
    return chosen | {ENSEMBLE: '#222222'}


def add_grid(axes: Axes, axis: str = 'both') -> None:
    """Draw a light grid, and remove the lines above and on the right.

    Args:
        axes: The panel.
        axis: 'x', 'y' or 'both'.
    """
    axes.grid(alpha=0.3, axis=axis)
    axes.spines[['top', 'right']].set_visible(False)


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure with :func:`whole_file`, in the format of the file's extension."""
    with whole_file(path) as draft:
        figure.savefig(draft, format=Path(path).suffix.removeprefix('.') or None)
