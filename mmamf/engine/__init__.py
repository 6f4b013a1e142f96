from .fileio import AtomicLocalBackend
from .hooks import (
    AtomicCheckpointHook,
    CheckedWeightsHook,
    ExactResumeHook,
    FiniteTrainingHook,
    FusionDiagnosisHook,
    LabelCheckHook,
    PaintedPredictionsHook,
    PredictedMasksHook,
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
    'CheckedWeightsHook',
    'ExactResumeHook',
    'FiniteTrainingHook',
    'FusionDiagnosisHook',
    'GANDistributedDataParallel',
    'LabelCheckHook',
    'PaintedPredictionsHook',
    'PredictedMasksHook',
    'PredictionSheetHook',
    'ScheduleHook',
    'StagedLR',
    'TranslatedPicturesHook',
    'TranslationSheetHook',
]
