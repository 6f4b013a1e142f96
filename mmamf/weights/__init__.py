from .check_config import check_config, check_phases
from .embedded_config import read_embedded_config
from .load_weights import check_finite, load_all_weights, load_some_weights
from .packaged_weights import load_packaged_weights
from .pretrained_backbone import accept_whole_models
from .read_checkpoint import read_checkpoint
from .state_of import state_of

__all__ = [
    'accept_whole_models',
    'check_config',
    'check_finite',
    'check_phases',
    'load_all_weights',
    'load_packaged_weights',
    'load_some_weights',
    'read_checkpoint',
    'read_embedded_config',
    'state_of',
]
