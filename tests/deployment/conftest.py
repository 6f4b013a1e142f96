"""Small trained-looking segmentors of several modalities."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

NAMES = ('rgb', 'depth', 'thermal')
SPECS = dict(
    rgb=dict(channels=3, mean=[120.0, 110.0, 100.0], std=[58.0, 57.0, 56.0], bgr_to_rgb=True),
    depth=dict(channels=1, scale=0.001, mean=[2.0], std=[0.8]),
    thermal=dict(channels=1, mean=[90.0], std=[30.0]),
)


@pytest.fixture
def randomize():
    """Give all norms of a model statistics and parameters that no two modalities share."""

    def change(model):
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d):
                nn.init.uniform_(module.running_mean, -0.2, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 2)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.2, 0.2)
        return model.eval()

    return change


@pytest.fixture
def segmentor_cfg():
    """Config of a small segmentor.

    ``segmentor_cfg(num_modalities=2, test_cfg=None, head=None, **backbone)``
    """

    def make(num_modalities=2, test_cfg=None, head=None, **backbone):
        norm = dict(type='ModalitySpecificBN', num_modalities=num_modalities)
        fcn = dict(type='FCNHead', in_index=3, in_channels=64, channels=8, num_convs=1)
        refinenet = dict(
            type='RefineNetHead', widths=(16, 8, 8, 8), in_channels=[8, 16, 32, 64], dropout_ratio=0
        )
        refinenet['in_index'] = [0, 1, 2, 3]
        chosen = refinenet if head == 'RefineNetHead' else dict(fcn, norm_cfg=norm)
        return dict(
            type='MultimodalSegmentor',
            data_preprocessor=dict(
                type='MultimodalSegDataPreprocessor',
                modalities=[dict(name=name, **SPECS[name]) for name in NAMES[:num_modalities]],
                test_cfg=test_cfg,
                pad_val=0.5,
            ),
            backbone=dict(
                type='SharedMultimodalResNet',
                depth=18,
                base_channels=8,
                stem_channels=8,
                num_modalities=num_modalities,
                **backbone,
            ),
            decode_head=dict(
                type='ModalityEnsembleHead',
                num_modalities=num_modalities,
                head=dict(chosen, num_classes=5),
            ),
            test_cfg=dict(mode='whole'),
        )

    return make


@pytest.fixture
def make_segmentor(segmentor_cfg, randomize):
    """Builder of such a segmentor in evaluation."""

    def make(*args, **kwargs):
        torch.manual_seed(0)
        cfg = Config(dict(model=segmentor_cfg(*args, **kwargs)))
        model = randomize(MODELS.build(cfg.model))
        nn.init.normal_(model.decode_head.alpha)
        nn.init.normal_(model.decode_head.head.conv_seg.weight)
        return model

    return make
