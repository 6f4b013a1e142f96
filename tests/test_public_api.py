"""The names that configs of users rely on."""

import pytest
from mmengine import registry
from mmengine.fileio import get_file_backend
from mmseg.registry import MODELS as MMSEG_MODELS

from mmamf.engine import AtomicLocalBackend

NAMES = {
    'MODELS': [
        'AdditionFusion',
        'AlignmentFusion',
        'ChannelExchangeFusion',
        'ChannelShufflePixelShiftFusion',
        'ConcatenationFusion',
        'ModalityEnsembleHead',
        'ModalitySpecificBN',
        'ModalitySpecificConv',
        'ModalitySpecificGN',
        'ModalitySpecificIN',
        'ModalitySpecificLN',
        'MultimodalPatchDiscriminator',
        'MultimodalPix2Pix',
        'MultimodalSegDataPreprocessor',
        'MultimodalSegDataPreProcessor',  # in the configs of older checkpoints
        'MultimodalSegmentor',
        'MultimodalTTAModel',
        'MultimodalTranslationDataPreprocessor',
        'RefineNetHead',
        'SelfAttentionFusion',
        'SharedBN',
        'SharedMultimodalBackbone',
        'SharedMultimodalResNet',
        'SharedMultimodalUnetGenerator',
        'ShuffleShiftAblation',
        'SqueezeExcitationFusion',
        'BackboneFeatures',
        'EfficientNetLite0Features',
        'InceptionFeatures',
    ],
    'DATASETS': [
        'CityscapesDepthDataset',
        'MFNetDataset',
        'MultimodalSegDataset',
        'MultimodalTranslationDataset',
        'NYUDv2Dataset',
        'NYUDv2Dataset13',
        'PermutedRoomsDataset',
        'RoomsDataset',
        'SUNRGBDDataset',
        'TaskonomyDataset',
    ],
    'TRANSFORMS': [
        'ClassBalancedCrop',
        'DeadModality',
        'DepthHoles',
        'GaussianNoise',
        'LoadLabelMap',
        'LoadMultimodalImages',
        'LoadTranslationImages',
        'LostReadings',
        'LowLight',
        'MirrorNormals',
        'Misregistration',
        'ModalityDropout',
        'PackMultimodalSegInputs',
        'PackTranslationInputs',
        'QuantizedDepth',
        'RandomScale',
        'SaltAndPepper',
    ],
    'METRICS': [
        'CalibrationMetric',
        'FeatureDistanceMetric',
        'LPIPSMetric',
        'MultimodalIoUMetric',
        'TranslationMetric',
    ],
    'HOOKS': [
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
        'TranslatedPicturesHook',
        'TranslationSheetHook',
    ],
    'MODEL_WRAPPERS': ['GANDistributedDataParallel'],
    'OPTIM_WRAPPERS': ['Bfloat16OptimWrapper'],
    'PARAM_SCHEDULERS': ['StagedLR'],
}
PAIRS = [(kind, name) for kind, names in NAMES.items() for name in names]


@pytest.mark.parametrize(('kind', 'name'), PAIRS)
def test_name_is_in_the_root_registry(kind, name):
    found = getattr(registry, kind).get(name)
    assert found.__module__.startswith('mmamf.')
    assert found.__doc__


@pytest.mark.parametrize('name', NAMES['MODELS'])
def test_name_resolves_in_mmsegs_scope(name):
    assert MMSEG_MODELS.get(name) is registry.MODELS.get(name)


def test_file_backend_is_known_by_name():
    backend = get_file_backend(backend_args=dict(backend='atomic_local'))
    assert type(backend) is AtomicLocalBackend
