"""Sheets and figures. Figures need matplotlib, which is imported when one is drawn."""

import importlib
from typing import TYPE_CHECKING, Any

from .colors import colorize_image, colorize_labels, overlay_labels, picture_of
from .prediction_sheet import PredictionSheet

if TYPE_CHECKING:  # for tools that read the source
    from .curves import plot_curves, read_curves
    from .fusion_diagnosis import plot_fusion_diagnosis, read_fusion_diagnosis

_FIGURES = {
    'plot_curves': 'curves',
    'plot_fusion_diagnosis': 'fusion_diagnosis',
    'read_curves': 'curves',
    'read_fusion_diagnosis': 'fusion_diagnosis',
}

__all__ = [
    'PredictionSheet',
    'colorize_image',
    'colorize_labels',
    'overlay_labels',
    'picture_of',
    'plot_curves',
    'plot_fusion_diagnosis',
    'read_curves',
    'read_fusion_diagnosis',
]


def __getattr__(name: str) -> Any:
    if name not in _FIGURES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'.{_FIGURES[name]}', __name__), name)
