import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from mmamf.engine.gradient_agreement import GradientAgreement
from mmamf.models import SharedMultimodalResNet
from mmamf.models.share_batch import exchange_within

NORM = dict(type='SharedBN')  # in evaluation, its rows are independent of each other


def make(m, **kwargs):
    torch.manual_seed(0)
    kwargs = dict(norm_cfg=NORM) | kwargs
    return SharedMultimodalResNet(
        18, num_modalities=m, base_channels=4, stem_channels=4, zero_init_residual=False, **kwargs
    ).eval()


def run(network, x, only=None):
    """Gradients of the weights; ``only`` takes the loss of one modality."""
    network.zero_grad()
    out = network(x)[-1].square()
    (out if only is None else out[only :: network.num_modalities]).sum().backward()
    return {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize('m', [2, 3])
def test_equals_the_angle_between_the_losses_of_modalities_that_do_not_exchange(m):
    network, x = make(m), torch.randn(2, 3 * m, 32, 32)
    agreement = GradientAgreement(network)
    agreement.start()
    run(network, x)
    found = agreement.stop()
    assert list(found) == [n for n, c in network.named_modules() if type(c) is nn.Conv2d]
    alone = [run(network, x, only) for only in range(m)]
    for name, value in found.items():
        units = [F.normalize(grads[f'{name}.weight'].flatten(), dim=0) for grads in alone]
        cosines = [units[a] @ units[b] for a in range(m) for b in range(a)]
        assert value == pytest.approx(sum(cosines).item() / len(cosines), abs=1e-5)


def test_opposite_modalities():
    network = make(2)
    maps = torch.randn(2, 3, 32, 32)
    agreement = GradientAgreement(network)
    agreement.start()
    out = network.conv1(torch.stack([maps, maps], 1).flatten(0, 1))
    sign = torch.tensor([1.0, -1.0]).repeat(2).view(-1, 1, 1, 1)
    (out * sign * torch.arange(4).view(4, 1, 1)).sum().backward()
    assert agreement.stop() == {'conv1': pytest.approx(-1)}


def test_training_stays_the_same_and_hooks_are_gone():
    fusion = dict(type='ChannelShufflePixelShiftFusion')
    network, x = make(2, fusion=fusion, norm_cfg=None).train(), torch.randn(2, 6, 32, 32)
    before = run(network, x)
    agreement = GradientAgreement(network)
    agreement.start()
    torch.testing.assert_close(run(network, x), before, rtol=0, atol=0)
    assert all(-1.001 < value < 1.001 for value in agreement.stop().values())
    run(network, x)
    assert agreement.stop() is not None and not any(c._forward_hooks for c in network.modules())


def test_what_is_left_out():
    private = make(2, conv_cfg=dict(type='ModalitySpecificConv'))
    for network in (private, make(1), nn.Sequential(nn.Conv2d(3, 3, 1))):
        agreement = GradientAgreement(network)
        agreement.start()
        assert agreement.stop() == {}
    network, x = make(2), torch.randn(2, 6, 32, 32)
    x[0, :3] = torch.nan  # with absent modalities, rows do not alternate
    agreement = GradientAgreement(network)
    agreement.start()
    run(network, x)
    assert agreement.stop() == {}
    agreement.start()
    with exchange_within(network, [[0], [1]]):
        run(network, torch.randn(2, 6, 32, 32))
    assert agreement.stop()


def test_backbone_inside_a_wrapper():
    backbone = dict(type='MobileNetV2', out_indices=(0, 1), norm_cfg=dict(type='BN'))
    network = MODELS.build(
        dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=backbone)
    )
    model = nn.ModuleDict(dict(backbone=network))
    agreement = GradientAgreement(model)
    agreement.start()
    sum(out.sum() for out in network(torch.randn(2, 6, 64, 64))).backward()
    assert 'backbone.backbone.conv1.conv' in agreement.stop()
