import torch
from mmseg.registry import MODELS
from torch import nn

from mmamf.models import SharedBN

M = 2


def test_shared_norms_stay_in_a_backbone_and_see_all_modalities():
    backbone = dict(type='MobileNetV2', out_indices=(0, 1), norm_cfg=dict(type='SharedBN'))
    network = MODELS.build(
        dict(type='SharedMultimodalBackbone', num_modalities=M, backbone=backbone)
    )
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert norms and all(type(norm) is SharedBN for norm in norms)
    plain = MODELS.build(dict(backbone, norm_cfg=dict(type='BN')))
    assert {f'backbone.{name}' for name in plain.state_dict()} == set(network.state_dict())
    plain.load_state_dict(network.backbone.state_dict())
    torch.manual_seed(0)
    x = torch.randn(2, 3 * M, 32, 32)
    for ours, theirs in zip(network(x), plain(x.reshape(2 * M, 3, 32, 32)), strict=True):
        torch.testing.assert_close(ours, theirs)
