from .checkpoint_segmentor import CheckpointSegmentor
from .match_inputs import match_inputs
from .multimodal_inferencer import MultimodalInferencer
from .onnx_segmentor import OnnxSegmentor
from .openvino_segmentor import OpenvinoSegmentor
from .prediction_files import PredictionFiles
from .translation import init_translator, translate

__all__ = [
    'CheckpointSegmentor',
    'MultimodalInferencer',
    'OnnxSegmentor',
    'OpenvinoSegmentor',
    'PredictionFiles',
    'init_translator',
    'match_inputs',
    'translate',
]
