from .fileio import AtomicLocalBackend
from .hooks import (
    AtomicCheckpointHook,
    ExactResumeHook,
    FiniteTrainingHook,
    FusionDiagnosisHook,
    LabelCheckHook,
    PredictionSheetHook,
    ScheduleHook,
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
    'FiniteTrainingHook',
    'FusionDiagnosisHook',
    'GANDistributedDataParallel',
    'LabelCheckHook',
    'PredictionSheetHook',
    'ScheduleHook',
    'StagedLR',
    'TranslatedPicturesHook',
    'TranslationSheetHook',
]
