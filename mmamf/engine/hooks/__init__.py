from .atomic_checkpoint_hook import AtomicCheckpointHook
from .exact_resume_hook import ExactResumeHook
from .prediction_sheet_hook import PredictionSheetHook

__all__ = ['AtomicCheckpointHook', 'ExactResumeHook', 'PredictionSheetHook']
