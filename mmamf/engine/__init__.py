from .fileio import AtomicLocalBackend
from .hooks import (
    AtomicCheckpointHook,
    CheckedWeightsHook,
    ExactResumeHook,
    FusionDiagnosisHook,
    PredictionSheetHook,
    TranslatedPicturesHook,
    TranslationSheetHook,
)
from .model_wrappers import GANDistributedDataParallel
from .optim_wrappers import Bfloat16OptimWrapper
from .schedulers import StagedLR

__all__ = [
    'AtomicCheckpointHook',
    'AtomicLocalBackend',
    'Bfloat16OptimWrapper',
    'CheckedWeightsHook',
    'ExactResumeHook',
    'FusionDiagnosisHook',
    'GANDistributedDataParallel',
    'PredictionSheetHook',
    'StagedLR',
    'TranslatedPicturesHook',
    'TranslationSheetHook',
]
