from .deploy import deploy
from .describe_segmentor import describe_segmentor
from .load_segmentor import load_segmentor
from .segmentor_graph import SegmentorGraph
from .single_modality import (
    find_fusion_points,
    find_modality,
    single_modality_model,
    stock_backbone,
)

__all__ = [
    'SegmentorGraph',
    'deploy',
    'describe_segmentor',
    'find_fusion_points',
    'find_modality',
    'load_segmentor',
    'single_modality_model',
    'stock_backbone',
]
