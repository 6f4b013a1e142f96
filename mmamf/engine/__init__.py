from .fileio import AtomicLocalBackend
from .hooks import AtomicCheckpointHook, ExactResumeHook, PredictionSheetHook
from .optim_wrappers import Bfloat16OptimWrapper
from .schedulers import StagedLR

__all__ = [
    'AtomicCheckpointHook',
    'AtomicLocalBackend',
    'Bfloat16OptimWrapper',
    'ExactResumeHook',
    'PredictionSheetHook',
    'StagedLR',
]
