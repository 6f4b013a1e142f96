from . import layer_decay  # noqa: F401
from .atomic_local_backend import AtomicLocalBackend
from .bfloat16_optim_wrapper import Bfloat16OptimWrapper
from .gan_distributed_data_parallel import GANDistributedDataParallel
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
from .staged_lr import StagedLR

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
