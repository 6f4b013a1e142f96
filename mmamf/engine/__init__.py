from .fileio import AtomicLocalBackend
from .hooks import (
    AtomicCheckpointHook,
    ExactResumeHook,
    FusionDiagnosisHook,
    LabelCheckHook,
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
    'ExactResumeHook',
    'FusionDiagnosisHook',
    'GANDistributedDataParallel',
    'LabelCheckHook',
    'PredictionSheetHook',
    'StagedLR',
    'TranslatedPicturesHook',
    'TranslationSheetHook',
]
