"""What holds for every operator: the formula, one modality per loop, and the places it works in."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from mmamf.models import SharedMultimodalResNet, SharedMultimodalUnetGenerator, fusion_losses
from mmamf.models.norms import ModalitySpecificBN

C, N, SIZE = 6, 2, (5, 7)
LEARNED = ['ConcatenationFusion', 'SqueezeExcitationFusion', 'SelfAttentionFusion']
FREE = ['AdditionFusion', 'AlignmentFusion', 'ChannelExchangeFusion']
IDENTITY = ['ConcatenationFusion', 'SelfAttentionFusion', 'AlignmentFusion']


def build(kind, num_modalities=2, channels=C, **options):
    """An operator with random parameters, and a private norm if it asks for one."""
    torch.manual_seed(0)
    cfg = {'type': kind, 'num_modalities': num_modalities, 'channels': channels, **options}
    operator = MODELS.build(cfg)
    for parameter in operator.parameters():
        nn.init.normal_(parameter, std=0.5)
    norm = ModalitySpecificBN(channels, num_modalities)
    nn.init.uniform_(norm.weight, -0.04, 0.04)  # half of it below the threshold
    operator.attach_norm(norm)
    return operator


def make_maps(num_modalities, channels=C):
    torch.manual_seed(1)
    return [torch.randn(N, channels, *SIZE) for _ in range(num_modalities)]


def fold(maps):
    return torch.stack(maps, 1).flatten(0, 1)


def fuse(operator, x):
    return operator.leave(*operator.enter(x))


def concatenation(op, maps):
    weight = op.mix.weight.unflatten(0, (len(maps), C)).unflatten(2, (len(maps), C))
    return [sum(F.conv2d(x, weight[m, :, k]) for k, x in enumerate(maps)) for m in range(len(maps))]


def addition(op, maps):
    return [sum(maps)] * len(maps)


def averaging(op, maps):
    return [sum(maps) / len(maps)] * len(maps)


def squeeze_excitation(op, maps):
    layers = [layer.weight.squeeze().reshape(len(maps), -1, *layer.weight.shape[1:2])
              for layer in (op.squeeze, op.excite)]  # fmt: skip
    biases = [layer.bias.reshape(len(maps), -1) for layer in (op.squeeze, op.excite)]
    total = 0
    for m, x in enumerate(maps):
        hidden = (x.mean((2, 3)) @ layers[0][m].T + biases[0][m]).relu()
        total = total + x * (hidden @ layers[1][m].T + biases[1][m]).sigmoid()[..., None, None]
    return [total] * len(maps)


def self_attention(op, maps):
    x = torch.cat(maps, 1)
    hidden = F.conv2d(x, op.squeeze.weight, op.squeeze.bias, padding=1).relu()
    gate = F.conv2d(hidden, op.excite.weight, op.excite.bias, padding=1).sigmoid()
    return F.conv2d(x * gate, op.mix.weight).chunk(len(maps), 1)


def channel_exchange(op, maps):
    scales = op._norm[0].weight.detach().chunk(len(maps))
    fused = [x.clone() for x in maps]
    for m, own in enumerate(scales):
        for c in range(m * C // len(maps), (m + 1) * C // len(maps)):
            if abs(own[c]) < op.threshold:
                others = [x[:, c] for k, x in enumerate(maps) if k != m]
                fused[m][:, c] = sum(others) / len(others)
    return fused


@pytest.mark.parametrize('num_modalities', [2, 3])
@pytest.mark.parametrize(
    ('kind', 'options', 'formula'),
    [
        ('ConcatenationFusion', {}, concatenation),
        ('AdditionFusion', {}, addition),
        ('AdditionFusion', {'average': True}, averaging),
        ('SqueezeExcitationFusion', {}, squeeze_excitation),
        ('SelfAttentionFusion', {}, self_attention),
        ('AlignmentFusion', {}, lambda op, maps: maps),
        ('ChannelExchangeFusion', {}, channel_exchange),
    ],
)
def test_equals_the_formula(kind, options, formula, num_modalities):
    operator, maps = build(kind, num_modalities, **options), make_maps(num_modalities)
    fused = fuse(operator, fold(maps))
    torch.testing.assert_close(fused, fold(list(formula(operator, maps))))
    alone = fuse(operator.eval(), fold(maps)[-num_modalities:])  # the last sample
    torch.testing.assert_close(alone, fused[-num_modalities:])  # samples do not meet


@pytest.mark.parametrize('kind', LEARNED + FREE)
def test_one_modality_is_left_alone(kind):
    operator = build(kind, 1)
    x = make_maps(1)[0]
    assert fuse(operator, x) is x
    assert operator([x]) == (x,)
    assert not list(operator.parameters())
    assert not fusion_losses(operator)


@pytest.mark.parametrize(
    ('kind', 'num_modalities', 'count'),
    [
        ('ConcatenationFusion', 2, (2 * 32) ** 2),
        ('SqueezeExcitationFusion', 3, 3 * (32 * 2 + 2 + 2 * 32 + 32)),
        ('SelfAttentionFusion', 2, 64 * 4 * 9 + 4 + 4 * 64 * 9 + 64 + 64**2),
        *[(kind, 2, 0) for kind in FREE],
    ],
)
def test_parameters(kind, num_modalities, count):
    operator = build(kind, num_modalities, channels=32)
    assert sum(p.numel() for p in operator.parameters()) == count
    assert len(operator.state_dict()) == len(list(operator.parameters()))


@pytest.mark.parametrize('num_modalities', [2, 3])
@pytest.mark.parametrize('kind', LEARNED + FREE)
def test_gradient_reaches_everything(kind, num_modalities):
    operator = build(kind, num_modalities)
    for name, parameter in operator.named_parameters():
        if name.endswith('bias'):
            nn.init.ones_(parameter)  # rectified layers stay alive
    x = fold(make_maps(num_modalities)).requires_grad_()
    fuse(operator, x).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in operator.parameters())
    assert x.grad.flatten(1).abs().sum(1).all()


def start(kind):
    """The operators of a network whose own initialization is for all convolutions."""
    model = SharedMultimodalResNet(
        18, 2, {'type': kind}, norm_cfg={'type': 'ModalitySpecificBN'}, base_channels=8,
        stem_channels=8,
    )  # fmt: skip
    model.init_weights()
    return [module for module in model.modules() if type(module).__name__ == kind]


@pytest.mark.parametrize('kind', IDENTITY)
def test_starts_as_the_identity(kind):
    operators = start(kind)
    assert [operator.channels for operator in operators] == [8, 16, 32, 64]
    for operator in operators:
        x = torch.randn(4, operator.channels, 3, 4)
        torch.testing.assert_close(fuse(operator, x), x)


def test_squeeze_excitation_starts_near_the_mean():
    for operator in start('SqueezeExcitationFusion'):
        x = torch.rand(4, operator.channels, 3, 4)
        mean = x.unflatten(0, (2, 2)).mean(1).repeat_interleave(2, 0)
        assert (fuse(operator, x) / mean - 1).abs().max() < 0.7


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('kind', LEARNED + FREE)
def test_inside_a_resnet(kind, depth):
    torch.manual_seed(0)
    model = SharedMultimodalResNet(depth, 2, {'type': kind}, base_channels=4, stem_channels=4)
    outs = model.train()(torch.randn(2, 6, 32, 32))
    (sum(out.square().mean() for out in outs) + sum(fusion_losses(model).values())).backward()
    assert [out.shape[0] for out in outs] == [4] * 4
    assert all(p.grad is not None for p in model.parameters())
    plain = SharedMultimodalResNet(depth, 2, base_channels=4, stem_channels=4)
    extra = model.state_dict().keys() - plain.state_dict().keys()
    assert all('.fusion.' in key for key in extra)
    assert bool(extra) == (kind in LEARNED)


@pytest.mark.parametrize('num_modalities', [2, 3])
@pytest.mark.parametrize('kind', LEARNED + FREE)
def test_inside_a_unet(kind, num_modalities):
    model = SharedMultimodalUnetGenerator(num_modalities, 2, {'type': kind}, image_size=32)
    model.init_weights()
    outputs, _ = model.train()(torch.randn(2, num_modalities * 3, 32, 32), return_all=True)
    (outputs.square().mean() + sum(fusion_losses(model).values())).backward()
    assert outputs.shape == (2, num_modalities, 3, 32, 32)
    assert all(p.grad is not None for name, p in model.named_parameters() if name != 'alpha')


@pytest.mark.parametrize('kind', [*LEARNED, 'AdditionFusion', 'AlignmentFusion'])
def test_as_neck(kind):
    operator = build(kind)
    pyramid = [torch.randn(4, C, 8, 6), torch.randn(4, C, 4, 3)]
    for level, fused in zip(pyramid, operator(pyramid)):
        assert torch.equal(fused, fuse(operator.eval(), level))


@pytest.mark.parametrize('kind', LEARNED)
def test_refuses_other_channels(kind):
    with pytest.raises(ValueError, match=f'{kind}: expected the channels .*, got None'):
        MODELS.build({'type': kind, 'num_modalities': 2})
    pyramid = [torch.randn(4, C, 8, 6), torch.randn(4, 2 * C, 4, 3)]
    with pytest.raises(ValueError, match=r'maps of 6 channels \(as a neck, .*\), got 12'):
        build(kind)(pyramid)


@pytest.mark.parametrize('kind', LEARNED + FREE)
def test_refuses_wrong_input(kind):
    with pytest.raises(ValueError, match='num_modalities must be at least 1, got 0'):
        MODELS.build({'type': kind, 'num_modalities': 0, 'channels': C})
    with pytest.raises(ValueError, match='batch of 5 maps does not hold 2 modalities'):
        fuse(build(kind), torch.zeros(5, C, 2, 2))


@pytest.mark.parametrize('kind', LEARNED + FREE)
def test_bfloat16(kind):
    operator = build(kind)
    x = fold(make_maps(2))
    with torch.autocast('cpu', torch.bfloat16):
        fused = fuse(operator, x.bfloat16())
    losses = fusion_losses(operator)
    expected = fuse(operator, x)
    torch.testing.assert_close(fused.float(), expected, rtol=0.05, atol=0.1)
    for key, loss in fusion_losses(operator).items():
        torch.testing.assert_close(losses[key], loss, rtol=0.05, atol=1e-3)
