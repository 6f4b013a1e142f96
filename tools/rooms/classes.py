"""Classes and modalities of the rooms data set, in the order of their file values and folders."""

from mmamf.datasets.rooms_classes import CLASSES, PALETTE

IGNORE = 255  # no class, in label maps

MODALITIES = ('rgb', 'depth', 'normal', 'shade', 'texture_edge', 'occlusion_edge')

LABEL = 'label'

__all__ = ['CLASSES', 'IGNORE', 'LABEL', 'MODALITIES', 'PALETTE']
