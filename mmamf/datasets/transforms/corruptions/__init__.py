from .corruption import Corruption
from .dead_modality import DeadModality
from .depth_holes import DepthHoles
from .gaussian_noise import GaussianNoise
from .low_light import LowLight
from .misregistration import Misregistration
from .quantized_depth import QuantizedDepth

__all__ = [
    'Corruption',
    'DeadModality',
    'DepthHoles',
    'GaussianNoise',
    'LowLight',
    'Misregistration',
    'QuantizedDepth',
]
