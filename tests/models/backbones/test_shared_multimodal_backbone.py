import copy

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import nn

from mmamf.models import (
    ModalitySpecificBN,
    ModalitySpecificLN,
    SharedMultimodalBackbone,
    fusion_losses,
)
from mmamf.models.share_batch import share_batch

RESNET = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)
MIT = dict(type='MixVisionTransformer', embed_dims=4, num_layers=[1] * 4, num_heads=[1, 2, 2, 4])
M, N, C = 2, 3, 4


class Windows(nn.Module):
    """Norms over windows of maps and over tokens, both folded into the batch."""

    def __init__(self, private):
        super().__init__()
        if private:
            self.bn = ModalitySpecificBN(C, num_modalities=M)
            self.ln = ModalitySpecificLN(C, num_modalities=M)
        else:
            self.bn, self.ln = nn.BatchNorm2d(C), nn.LayerNorm(C)

    def forward(self, x):
        x = self.ln(x.permute(0, 2, 3, 1).flatten(0, 2)).view(-1, 4, 4, C)
        x = x.view(-1, 2, 2, 2, 2, C).transpose(2, 3).reshape(-1, 2, 2, C).permute(0, 3, 1, 2)
        return self.bn(x)


@pytest.mark.parametrize('training', [True, False])
def test_rows_folded_into_the_batch_find_their_modality(training):
    torch.manual_seed(0)
    network = Windows(private=True)
    for value in network.state_dict().values():
        value.uniform_(0.5, 1.5) if value.is_floating_point() else None
    network.batch = share_batch(network, M)
    network = copy.deepcopy(network).train(training)  # the copy counts its own rows
    x = torch.randn(N * M, C, 4, 4)
    out = network.batch.run(network, x.view(N, M * C, 4, 4)).view(N, M, 4, C, 2, 2)
    for m in range(M):
        plain = Windows(private=False).train(training)
        state = {k: v.chunk(M)[m] if v.ndim else v for k, v in network.state_dict().items()}
        plain.load_state_dict(state)
        if training:  # the statistics have moved, but the batch's own are used
            plain.bn.reset_running_stats()
        expected = plain(x[m::M]).view(N, 4, C, 2, 2)
        torch.testing.assert_close(out[:, m], expected, rtol=1e-4, atol=1e-5)


def test_rows_of_unknown_modality():
    network = Windows(private=True)
    batch = share_batch(network, M)

    def tokens_first(x):
        return network.ln(x.permute(2, 3, 0, 1)[0])  # (W, N*M, C)

    message = r'ModalitySpecificLN.* expected 6 rows \(one for each map .*got .*\(4, 6, 4\)'
    with pytest.raises(ValueError, match=message):
        batch.run(tokens_first, torch.zeros(N, M * C, 4, 4))
    with pytest.raises(ValueError, match='cannot fold 7 channels into 2 modalities'):
        batch.run(tokens_first, torch.zeros(N, 7, 4, 4))


def test_checkpointed_activations(tmp_path):
    """Backward computes them again."""
    grads = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        model = SharedMultimodalBackbone(M, dict(MIT, with_cp=with_cp))
        model(torch.ones(1, 6, 64, 64, requires_grad=True))[3].square().sum().backward()
        grads.append([p.grad for p in model.parameters() if p.grad is not None])
    for mine, its in zip(*grads, strict=True):
        torch.testing.assert_close(mine, its)


@pytest.mark.parametrize('fusion', ['ConcatenationFusion', 'AlignmentFusion'])
def test_operators_with_parameters_and_losses(fusion):
    torch.manual_seed(0)
    model = SharedMultimodalBackbone(M, RESNET, dict(type=fusion), fusion_stages={1: 16, 3: 64})
    model.init_weights()
    outputs = model(torch.randn(2, 6, 64, 64))
    assert [maps.shape[1] for maps in outputs] == [8, 16, 32, 64]
    assert all(maps.shape[0] == 4 for maps in outputs)
    if fusion == 'AlignmentFusion':
        assert fusion_losses(model).keys() == {'fusion.loss_align'}
    else:  # starts as the identity, whatever init_cfg did
        plain = SharedMultimodalBackbone(M, RESNET)
        plain.backbone.load_state_dict(model.backbone.state_dict())
        x = torch.randn(2, 6, 64, 64)
        for mine, its in zip(model.eval()(x), plain.eval()(x)):
            torch.testing.assert_close(mine, its)


def test_layer_configs_know_the_number_of_modalities():
    backbone = dict(
        RESNET,
        conv_cfg=dict(type='ModalitySpecificConv'),
        norm_cfg=dict(type='ModalitySpecificBN'),
    )
    model = SharedMultimodalBackbone(M, backbone).eval()
    x = torch.randn(1, 6, 64, 64, requires_grad=True)
    model(x)[3][0].sum().backward()
    assert x.grad[:, :3].any() and not x.grad[:, 3:].any()


@MODELS.register_module()
class FoldsItself(BaseModule):
    num_modalities = 2


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(num_modalities=0), 'num_modalities must be at least 1, got 0'),
        (dict(backbone=dict(type='FoldsItself')), 'FoldsItself folds the modalities itself'),
        (
            dict(backbone=dict(RESNET, norm_cfg=dict(type='ModalitySpecificBN', num_modalities=3))),
            'norm_cfg.num_modalities: expected 2, as of the backbone, got 3',
        ),
        (
            dict(fusion=dict(type='ConcatenationFusion')),
            'expected the channels of the maps as channels '
            r'.*fusion_stages={output: channels}.*got',
        ),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        SharedMultimodalBackbone(**{'num_modalities': M, 'backbone': RESNET, **kwargs})


def test_wrong_input():
    with pytest.raises(ValueError, match='cannot fold 5 channels into 2 modalities'):
        SharedMultimodalBackbone(M, RESNET)(torch.zeros(1, 5, 64, 64))
    fusion = dict(type='AdditionFusion')
    model = SharedMultimodalBackbone(M, RESNET, fusion, fusion_stages=[4])
    with pytest.raises(ValueError, match=r'fusion_stages must lie in 0\.\.3, got \(4,\)'):
        model(torch.zeros(2, 6, 64, 64))
