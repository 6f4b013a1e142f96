from .class_count import check_class_count
from .deploy import deploy
from .describe_segmentor import describe_segmentor
from .load_segmentor import fix_random_bases, load_segmentor
from .segmentor_graph import SegmentorGraph
from .single_modality import (
    find_fusion_points,
    find_modality,
    single_modality_config,
    single_modality_model,
    stock_backbone,
)

__all__ = [
    'SegmentorGraph',
    'check_class_count',
    'deploy',
    'describe_segmentor',
    'find_fusion_points',
    'find_modality',
    'fix_random_bases',
    'load_segmentor',
    'single_modality_config',
    'single_modality_model',
    'stock_backbone',
]
