from .atomic_checkpoint_hook import AtomicCheckpointHook
from .checked_weights_hook import CheckedWeightsHook
from .exact_resume_hook import ExactResumeHook
from .finite_training_hook import FiniteTrainingHook
from .fusion_diagnosis_hook import FusionDiagnosisHook
from .label_check_hook import LabelCheckHook
from .painted_predictions_hook import PaintedPredictionsHook
from .predicted_masks_hook import PredictedMasksHook
from .prediction_sheet_hook import PredictionSheetHook
from .schedule_hook import ScheduleHook
from .segmentation_report_hook import SegmentationReportHook
from .sheet_hook import SheetHook
from .translated_pictures_hook import TranslatedPicturesHook
from .translation_sheet_hook import TranslationSheetHook

__all__ = [
    'AtomicCheckpointHook',
    'CheckedWeightsHook',
    'ExactResumeHook',
    'FiniteTrainingHook',
    'FusionDiagnosisHook',
    'LabelCheckHook',
    'PaintedPredictionsHook',
    'PredictedMasksHook',
    'PredictionSheetHook',
    'ScheduleHook',
    'SegmentationReportHook',
    'SheetHook',
    'TranslatedPicturesHook',
    'TranslationSheetHook',
]
