from .staged_lr import StagedLR

__all__ = ['StagedLR']
