from .atomic_checkpoint_hook import AtomicCheckpointHook
from .checked_weights_hook import CheckedWeightsHook
from .exact_resume_hook import ExactResumeHook
from .fusion_diagnosis_hook import FusionDiagnosisHook
from .prediction_sheet_hook import PredictionSheetHook
from .sheet_hook import SheetHook
from .translated_pictures_hook import TranslatedPicturesHook
from .translation_sheet_hook import TranslationSheetHook

__all__ = [
    'AtomicCheckpointHook',
    'CheckedWeightsHook',
    'ExactResumeHook',
    'FusionDiagnosisHook',
    'PredictionSheetHook',
    'SheetHook',
    'TranslatedPicturesHook',
    'TranslationSheetHook',
]
