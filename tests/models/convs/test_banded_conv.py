"""A first convolution for modalities of different numbers of bands."""

import copy

import pytest
import torch
from mmcv.cnn import build_conv_layer
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from mmamf.models import ModalitySpecificConv
from mmamf.models.convs import BandedConv
from mmamf.models.convs.first_kernel import average_kernel

SETTINGS = dict(stride=2, padding=3, bias=False)
CASES = [(3, 1), (1, 3, 8), (4, 1, 2), (8, 8), (3, 3), (2,), (3, 4, 3, 1)]


def make(bands, cfg=None, **kwargs):
    torch.manual_seed(0)
    return BandedConv(build_conv_layer(cfg, 3, 6, 7, **{**SETTINGS, **kwargs}), bands)


def draw(bands, n=2):
    return torch.randn(n * len(bands), max(bands), 11, 13)


@pytest.mark.parametrize('bands', CASES, ids=str)
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_equals_one_convolution_per_modality(bands, layout):
    conv = make(bands)
    shared = nn.Conv2d(3, 6, 7, **SETTINGS)
    m = len(bands)
    alone = []
    for index, count in enumerate(bands):
        own = shared if count == 3 else nn.Conv2d(count, 6, 7, **SETTINGS)
        own.load_state_dict(conv.of_modality(index).state_dict())
        alone.append(own)
    x = draw(bands).to(memory_format=layout).requires_grad_()
    out = conv(x)
    assert out.is_contiguous(memory_format=layout)
    expected = [own(x[i::m, :c]) for i, (own, c) in enumerate(zip(alone, bands))]
    for index, maps in enumerate(expected):
        torch.testing.assert_close(out[index::m], maps)
    gradients = [
        torch.autograd.grad(total, x, retain_graph=True)[0]
        for total in (out.sin().sum(), sum(maps.sin().sum() for maps in expected))
    ]
    torch.testing.assert_close(*gradients)
    out.sin().sum().backward()
    sum(maps.sin().sum() for maps in expected).backward()
    for index, own in enumerate(alone):
        torch.testing.assert_close(conv.of_modality(index).weight.grad, own.weight.grad)
    # no parameter without a use, which distributed training would wait for
    assert all(parameter.grad is not None for parameter in conv.parameters())


@pytest.mark.parametrize('bands', CASES, ids=str)
@pytest.mark.parametrize('bias', [False, True])
@pytest.mark.parametrize('load', [nn.Module.load_state_dict, load_state_dict])
def test_checkpoints(bands, bias, load):
    conv = make(bands, bias=bias)
    before = copy.deepcopy(conv.state_dict())
    private = {str(i) for i, count in enumerate(bands) if count != 3}
    entries = ['weight', 'bias'] if bias else ['weight']
    expected = {f'private.{name}.{entry}' for name in private for entry in entries}
    assert before.keys() == expected | (set(entries) if 3 in bands else set())

    plain = nn.Conv2d(3, 6, 7, bias=bias).state_dict()
    load(conv, plain)
    for index, count in enumerate(bands):
        own = conv.of_modality(index)
        assert torch.equal(own.weight, average_kernel(plain['weight'], count))
        assert not bias or torch.equal(own.bias, plain['bias'])
    load(conv, before)
    assert all(torch.equal(value, before[key]) for key, value in conv.state_dict().items())


def test_private_convolutions_stay_private():
    conv = make((3, 3, 1), dict(type='ModalitySpecificConv', num_modalities=3))
    assert conv.shared is None and len(conv.private) == 3
    assert isinstance(
        build_conv_layer(dict(type='ModalitySpecificConv', num_modalities=3), 3, 6, 7),
        ModalitySpecificConv,
    )
    kernel = torch.randn(6, 3, 7, 7)
    conv.load_state_dict({'weight': kernel})
    assert all(torch.equal(conv.of_modality(index).weight, kernel) for index in (0, 1))


def test_initializers_reach_every_kernel():
    conv = make((3, 4))
    conv.apply(lambda module: isinstance(module, nn.Conv2d) and nn.init.ones_(module.weight))
    assert all((parameter == 1).all() for parameter in conv.parameters())


def test_errors():
    for shape in ((2, 3, 8, 8), (3, 4, 8, 8)):
        with pytest.raises(ValueError, match=r'bands: expected a folded batch \(N\*2, 4, H, W\), '):
            make((4, 1))(torch.zeros(shape))
    with pytest.raises(ValueError, match=r'private.0.weight: expected the shape \(6, 4, 7, 7\), f'):
        make((4, 1)).load_state_dict(make((2, 1)).state_dict())
    for conv in (nn.Conv2d(3, 6, 3, groups=3), nn.Linear(3, 6)):
        with pytest.raises(ValueError, match='expected a plain first convolution'):
            BandedConv(conv, (3, 1))


def test_own_convolution_has_the_class_of_the_shared_one():
    conv = build_conv_layer(dict(type='ConvWS'), 3, 6, 3, stride=2, padding=1)
    banded = BandedConv(conv, (3, 5))
    assert type(banded.of_modality(1)) is type(conv)
    assert banded(torch.rand(4, 5, 9, 9)).shape == (4, 6, 5, 5)
