import copy

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from mmamf.models import ChannelExchangeFusion, SharedMultimodalResNet, fusion_losses
from mmamf.models.norms import ModalitySpecificBN, ModalitySpecificIN

FUSION = {'type': 'ChannelExchangeFusion'}
SMALL = {'base_channels': 8, 'stem_channels': 8}


def build(scales, **kwargs):
    """An operator with a norm of these scales, (M, C)."""
    scales = torch.tensor(scales)
    operator = ChannelExchangeFusion(len(scales), **kwargs)
    norm = ModalitySpecificBN(scales.shape[1], len(scales))
    norm.weight.data = scales.flatten()
    operator.attach_norm(norm)
    return operator, norm


def test_replaces_only_the_part_of_a_modality():
    operator, _ = build([[0.01, 1.0, 0.01, 0.01], [0.01, 0.01, -0.01, -1.0]])
    a, b = torch.randn(2, 4, 3, 3)
    fused = operator.leave(torch.stack([a, b]), None)
    assert torch.equal(fused[0], torch.stack([b[0], a[1], a[2], a[3]]))
    assert torch.equal(fused[1], torch.stack([b[0], b[1], a[2], b[3]]))


def test_threshold_and_penalty():
    operator, norm = build([[0.1, 0.5, 3.0], [3.0, 0.1, 0.5]], threshold=0.2, sparsity=0.5)
    a, b = torch.randn(2, 3, 2, 2)
    fused = operator.leave(torch.stack([a, b]), None)  # parts: channels 0 and 1, channel 2
    assert torch.equal(fused[0], torch.stack([b[0], a[1], a[2]]))
    assert torch.equal(fused[1], b)
    loss = fusion_losses(operator)['fusion.loss_sparsity']
    assert loss.item() == pytest.approx(0.5 * (0.1 + 0.5 + 0.5))
    loss.backward()
    assert norm.weight.grad.tolist() == [0.5, 0.5, 0, 0, 0, 0.5]


def test_after_relu_equals_before_for_two():
    operator, _ = build([[0.0, 1, 1, 1], [1, 1, 0.0, 1]])
    x = torch.randn(4, 4, 3, 3)
    operator.eval()
    assert torch.equal(operator.leave(x.relu(), None), operator.leave(x, None).relu())


def test_three_take_the_mean_of_the_others():
    operator, _ = build([[0.0, 1, 1], [1, 0.0, 1], [1, 1, 1.0]])
    x = torch.randn(3, 3, 2, 2)
    fused = operator.leave(x, None)
    torch.testing.assert_close(fused[0, 0], (x[1, 0] + x[2, 0]) / 2)
    torch.testing.assert_close(fused[1, 1], (x[0, 1] + x[2, 1]) / 2)
    assert torch.equal(fused[2], x[2])


def test_a_replaced_channel_trains_the_other_modality():
    operator, _ = build([[0.0, 1.0], [1.0, 1.0]])
    x = torch.randn(2, 2, 3, 3, requires_grad=True)
    operator.leave(x, None)[0].sum().backward()
    assert not x.grad[0, 0].any()
    assert x.grad[1, 0].all()


@pytest.mark.parametrize(('depth', 'name'), [(18, 'norm1'), (50, 'norm2')])
def test_a_resnet_attaches_the_norm_before_leave(depth, name):
    model = SharedMultimodalResNet(depth, 2, FUSION, **SMALL)
    block = model.layer2[-1]
    assert block.fusion._norm == (getattr(block, name),)
    assert (
        model.state_dict().keys() == SharedMultimodalResNet(depth, 2, **SMALL).state_dict().keys()
    )
    twin = copy.deepcopy(model)
    assert twin.layer2[-1].fusion._norm == (getattr(twin.layer2[-1], name),)


def test_survives_the_conversion_to_synchronized_norms():
    model = nn.SyncBatchNorm.convert_sync_batchnorm(SharedMultimodalResNet(18, 2, FUSION, **SMALL))
    block = model.layer1[-1]
    assert isinstance(block.norm1, nn.SyncBatchNorm)
    assert block.fusion._norm[0] is block.norm1


def test_exchanges_inside_a_resnet():
    torch.manual_seed(0)
    model = SharedMultimodalResNet(18, 2, FUSION, **SMALL).eval()
    x = torch.randn(1, 6, 32, 32)
    other = torch.cat([x[:, :3], -x[:, 3:]], 1)
    before = model(x)[0][0]
    assert torch.equal(before, model(other)[0][0])
    model.layer1[-1].norm1.weight.data[0] = 0
    assert not torch.equal(model(x)[0][0], model(other)[0][0])


@pytest.mark.parametrize('norm', [{'type': 'BN'}, {'type': 'ModalitySpecificBN', 'affine': False}])
def test_refuses_norms_without_private_scales(norm):
    with pytest.raises(ValueError, match='another modality-specific norm .*, got '):
        SharedMultimodalResNet(18, 2, FUSION, norm_cfg=norm, **SMALL)


def test_refuses_other_norms():
    operator = ChannelExchangeFusion(2)
    with pytest.raises(ValueError, match='expected norm_cfg=.* got '):
        operator.attach_norm(ModalitySpecificIN(4, 2))
    with pytest.raises(ValueError, match='a norm of 2 modalities, got one of 3'):
        operator.attach_norm(ModalitySpecificBN(4, 3))


def test_refuses_to_be_a_neck():
    neck = MODELS.build({'num_modalities': 2, **FUSION})
    with pytest.raises(ValueError, match='got none: .* not as a neck'):
        neck([torch.zeros(2, 4, 3, 3)])


@pytest.mark.parametrize('name', ['threshold', 'sparsity'])
def test_refuses_negative_settings(name):
    with pytest.raises(ValueError, match=f'{name} must not be negative, got -1'):
        ChannelExchangeFusion(2, **{name: -1})
