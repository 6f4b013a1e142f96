import copy

import pytest
import torch
from mmcv.cnn import ConvModule, build_conv_layer
from mmengine.model import initialize, revert_sync_batchnorm
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from mmseg.models.backbones import HRNet, ResNeXt
from torch import nn

from mmamf.models import ModalitySpecificBN, ModalitySpecificConv, SharedMultimodalBackbone

M, C, D = 3, 4, 6
SHAPES = {
    'plain': {'kernel_size': 3},
    '1 x 1, biased': {'kernel_size': 1, 'bias': True},
    'strided': {'kernel_size': 7, 'stride': 2, 'padding': 3},
    'dilated': {'kernel_size': (3, 1), 'dilation': 2, 'padding': (2, 0)},
    'grouped': {'kernel_size': 3, 'groups': 2, 'padding': 1, 'padding_mode': 'reflect'},
}
all_shapes = pytest.mark.parametrize('shape', SHAPES)
both_loaders = pytest.mark.parametrize(
    'load', [nn.Module.load_state_dict, load_state_dict], ids=['torch', 'mmengine']
)


def make(num_modalities=M, **kwargs):
    return ModalitySpecificConv(C, D, num_modalities=num_modalities, **{'kernel_size': 3, **kwargs})


@all_shapes
@pytest.mark.parametrize('num_modalities', [1, 2, 3])
def test_equals_one_layer_per_modality(shape, num_modalities):
    ours = make(num_modalities, **SHAPES[shape])
    state = ours.state_dict()
    x = torch.randn(2 * num_modalities, C, 9, 8)
    out = ours(x)
    for m in range(num_modalities):
        layer = nn.Conv2d(C, D, **SHAPES[shape])
        layer.load_state_dict({k: v.chunk(num_modalities)[m] for k, v in state.items()})
        torch.testing.assert_close(out[m::num_modalities], layer(x[m::num_modalities]))


def test_gradients_stay_with_their_modality():
    conv = make(2)
    x = torch.randn(4, C, 5, 5, requires_grad=True)
    conv(x)[0::2].square().sum().backward()
    assert conv.weight.grad[:D].abs().min() > 0
    assert not conv.weight.grad[D:].any()
    assert x.grad[0::2].any()
    assert not x.grad[1::2].any()


@all_shapes
def test_looks_like_a_plain_layer(shape):
    kwargs = SHAPES[shape]
    cfg = {'type': 'ModalitySpecificConv', 'num_modalities': M}
    ours, plain = build_conv_layer(cfg, C, D, **kwargs), nn.Conv2d(C, D, **kwargs)
    for name in (
        'in_channels',
        'out_channels',
        'kernel_size',
        'stride',
        'padding',
        'dilation',
        'groups',
        'transposed',
        'output_padding',
    ):
        assert getattr(ours, name) == getattr(plain, name), name
    keys = [f'conv1.{key}' for key in plain.state_dict()]
    holder = nn.Sequential()
    holder.add_module('conv1', ours)
    assert list(holder.state_dict()) == list(get_state_dict(holder)) == keys
    assert list(copy.deepcopy(holder).state_dict()) == keys


@both_loaders
@all_shapes
def test_plain_checkpoint_loads_into_every_modality(shape, load):
    theirs = nn.Sequential(nn.Conv2d(C, D, **SHAPES[shape]))
    ours = nn.Sequential(make(**SHAPES[shape]))
    load(ours, theirs.state_dict(), strict=True)
    for key, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], torch.cat([value] * M))


@both_loaders
def test_state_dict_round_trip(load):
    first, second = (nn.Sequential(make(bias=True)) for _ in range(2))
    load(second, first.state_dict(), strict=True)
    for key, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], value)


@pytest.mark.parametrize(
    ('other', 'got'),
    [
        (make(2), '12 x 4 x 3 x 3'),
        (nn.Conv2d(C, 2 * D, 3), '12 x 4 x 3 x 3'),
        (nn.Conv2d(1, D, 3), '6 x 1 x 3 x 3'),
        (nn.Conv2d(C, D, 1), '6 x 4 x 1 x 1'),
    ],
)
def test_checkpoint_of_another_shape_is_refused(other, got):
    state = nn.Sequential(other).state_dict()
    message = rf'0\.weight: expected 3 x 6 x 4 x 3 x 3 values .* got {got}'
    with pytest.raises(ValueError, match=message):
        load_state_dict(nn.Sequential(make()), state, strict=False)


INITS = {
    'Kaiming': {},
    'Xavier': {'distribution': 'normal'},
    'Normal': {'std': 0.5},
    'Constant': {'val': 0.25, 'bias': 2},
}


@pytest.mark.parametrize('kind', INITS)
@pytest.mark.parametrize('groups', [1, 2])
def test_initializers_see_plain_layers(kind, groups):
    options = {'kernel_size': 3, 'groups': groups, 'bias': True}
    ours = nn.Sequential(ModalitySpecificConv(64, 64, num_modalities=4, **options))
    plain = nn.Sequential(nn.Conv2d(64, 64, **options))
    for model in (ours, plain):
        initialize(model, {'type': kind, 'layer': 'Conv2d', **INITS[kind]})
    expected = plain[0].weight
    for weight, bias in zip(ours[0].weight.chunk(4), ours[0].bias.chunk(4)):
        assert torch.equal(bias, plain[0].bias)
        assert weight.std().item() == pytest.approx(expected.std().item(), rel=0.03)
        assert weight.mean().item() == pytest.approx(expected.mean().item(), abs=0.01)
    kernels = ours[0].weight.chunk(4)
    assert torch.equal(kernels[0], kernels[1]) is (kind == 'Constant')


def test_apply_reaches_the_layer_itself():
    model = nn.Sequential(make())
    assert model.apply(lambda module: module.requires_grad_(False)) is model
    assert not any(p.requires_grad for p in model.parameters())


def test_sync_bn_conversion_and_back():
    model = nn.Sequential(make(), ModalitySpecificBN(D, num_modalities=M))
    x = torch.randn(2 * M, C, 5, 5)
    expected = model.eval()(x)
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert isinstance(converted[1], nn.SyncBatchNorm)
    torch.testing.assert_close(revert_sync_batchnorm(converted).eval()(x), expected)


def test_in_a_conv_module():
    cfg = {'type': 'ModalitySpecificConv', 'num_modalities': M}
    module = ConvModule(C, D, 3, padding=1, conv_cfg=cfg, norm_cfg={'type': 'BN'})
    assert module(torch.randn(2 * M, C, 5, 5)).shape == (2 * M, D, 5, 5)


@pytest.mark.parametrize(
    'backbone',
    [
        {'type': ResNeXt, 'depth': 50, 'groups': 4, 'base_width': 4},
        {
            'type': HRNet,
            'extra': {
                f'stage{i}': {
                    'num_modules': 1,
                    'num_branches': i,
                    'block': 'BASIC',
                    'num_blocks': (1,) * i,
                    'num_channels': (8, 8, 8, 8)[:i],
                }
                for i in range(1, 5)
            },
        },
    ],
    ids=['ResNeXt', 'HRNet'],
)
def test_in_other_backbones_of_mmseg(backbone):
    layers = {
        'conv_cfg': {'type': 'ModalitySpecificConv', 'num_modalities': 2},
        'norm_cfg': {'type': 'ModalitySpecificBN', 'num_modalities': 2},
    }
    model = SharedMultimodalBackbone(2, {**backbone, **layers})
    model.init_weights()
    model.eval()
    x = torch.randn(1, 6, 32, 32, requires_grad=True)
    model(x)[-1][0].square().sum().backward()
    assert x.grad[:, :3].any()
    assert not x.grad[:, 3:].any()


def test_wrong_input():
    with pytest.raises(ValueError, match='num_modalities must be at least 1, got 0'):
        make(0)
    with pytest.raises(ValueError, match='batch of 4 maps does not hold 3 modalities'):
        make()(torch.zeros(4, C, 5, 5))
