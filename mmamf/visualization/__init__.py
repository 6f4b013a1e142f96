from .colors import colorize_image, colorize_labels, picture_of
from .curves import plot_curves, read_curves
from .prediction_sheet import PredictionSheet

__all__ = [
    'PredictionSheet',
    'colorize_image',
    'colorize_labels',
    'picture_of',
    'plot_curves',
    'read_curves',
]
