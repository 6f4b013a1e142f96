from .colors import colorize_image, colorize_labels, overlay_labels, picture_of
from .curves import plot_curves, read_curves
from .fusion_diagnosis import plot_fusion_diagnosis, read_fusion_diagnosis
from .prediction_sheet import PredictionSheet

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
