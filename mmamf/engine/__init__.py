from .fileio import AtomicLocalBackend
from .hooks import AtomicCheckpointHook, ExactResumeHook, PredictionSheetHook
from .optim_wrappers import Bfloat16OptimWrapper

__all__ = [
    'AtomicCheckpointHook',
    'AtomicLocalBackend',
    'Bfloat16OptimWrapper',
    'ExactResumeHook',
    'PredictionSheetHook',
]
