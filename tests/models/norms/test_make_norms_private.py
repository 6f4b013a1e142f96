import copy

import pytest
import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.runner.checkpoint import load_state_dict
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from mmamf.models import (
    ModalitySpecificBN,
    ModalitySpecificConv,
    ModalitySpecificGN,
    ModalitySpecificIN,
    ModalitySpecificLN,
)
from mmamf.models.norms import (
    ModalitySpecificCopies,
    ModalitySpecificNorm,
    make_norms_private,
)

M, N, C = 3, 2, 4
MAPS, TOKENS = (N * M, C, 5, 3), (N * M, 7, C)


class LayerNorm2d(nn.LayerNorm):
    """Channel first, as libraries write it."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ScaleNorm(nn.Module):
    """A norm of nobody's class: the largest value of a channel in the batch becomes its scale."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, C, 1, 1))
        self.register_buffer('seen', torch.zeros(C))

    def forward(self, x):
        largest = x.abs().amax((0, 2, 3))
        self.seen.copy_(largest.detach())
        return x / largest.view(1, -1, 1, 1) * self.scale


class NormWithActivation(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x).relu()


NORMS = {
    'BN': (lambda: nn.BatchNorm2d(C), ModalitySpecificBN, MAPS),
    'BN without parameters': (lambda: nn.BatchNorm2d(C, affine=False), ModalitySpecificBN, MAPS),
    'BN of tokens': (lambda: nn.BatchNorm1d(C), ModalitySpecificNorm, (N * M, C)),
    'BN with activation': (lambda: NormWithActivation(C), ModalitySpecificNorm, MAPS),
    'IN': (lambda: nn.InstanceNorm2d(C, affine=True), ModalitySpecificIN, MAPS),
    'GN': (lambda: nn.GroupNorm(2, C), ModalitySpecificGN, MAPS),
    'LN': (lambda: nn.LayerNorm(C), ModalitySpecificLN, TOKENS),
    'LN, channels last': (lambda: nn.LayerNorm(C, eps=0.1), ModalitySpecificLN, (N * M, 5, 3, C)),
    'LN without bias': (lambda: nn.LayerNorm(C, bias=False), ModalitySpecificLN, TOKENS),
    'LN of maps': (lambda: nn.LayerNorm((C, 5, 3)), ModalitySpecificCopies, MAPS),
    'LN, channels first': (lambda: LayerNorm2d(C), ModalitySpecificCopies, MAPS),
    'RMSNorm': (lambda: nn.RMSNorm(C), ModalitySpecificCopies, TOKENS),
    'unknown class': (ScaleNorm, ModalitySpecificCopies, MAPS),
}


def randomize(model):
    for value in model.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5)
    return model


@pytest.fixture(params=NORMS)
def case(request):
    make, expected, shape = NORMS[request.param]
    torch.manual_seed(0)
    return randomize(make()), expected, shape


@pytest.mark.parametrize('training', [True, False])
def test_starts_from_the_values_of_the_plain_layer(case, training):
    plain, expected, shape = case
    model = nn.Sequential(copy.deepcopy(plain))
    make_norms_private(model, M)
    assert isinstance(model[0], expected) and isinstance(model[0], type(plain))
    model.train(training), plain.train(training)
    x = torch.randn(shape)
    out = model(x)
    for m in range(M):
        torch.testing.assert_close(out[m::M], copy.deepcopy(plain)(x[m::M]))


def test_equals_one_layer_per_modality(case):
    plain, _, shape = case
    model = nn.Sequential(copy.deepcopy(plain))
    make_norms_private(model, M)
    randomize(model)
    state = model[0].state_dict()
    layers = []
    for m in range(M):
        layers.append(copy.deepcopy(plain))
        layers[m].load_state_dict({k: v.chunk(M)[m] if v.ndim else v for k, v in state.items()})
    x, weight = torch.randn(shape, requires_grad=True), torch.randn(shape)
    out = model(x)
    (out * weight).sum().backward()
    for m, layer in enumerate(layers):
        own = layer(x[m::M])
        torch.testing.assert_close(out[m::M], own, rtol=1e-4, atol=1e-5)
        (own * weight[m::M]).sum().backward()
        for key, value in layer.named_parameters():
            mine = model[0].get_parameter(key).grad.chunk(M)[m]
            torch.testing.assert_close(mine, value.grad, rtol=1e-4, atol=1e-4)
        for key, value in layer.named_buffers():
            mine = model[0].state_dict()[key]
            if mine.ndim:
                torch.testing.assert_close(mine.chunk(M)[m], value)


@pytest.mark.parametrize('load', [nn.Module.load_state_dict, load_state_dict])
def test_checkpoints(case, load):
    plain, *_ = case
    model = nn.Sequential(copy.deepcopy(plain))
    make_norms_private(model, M)
    randomize(model)
    again = nn.Sequential(copy.deepcopy(plain))
    make_norms_private(again, M)
    load(again, model.state_dict(), strict=True)
    for key, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)
    load(again, nn.Sequential(plain).state_dict(), strict=True)
    assert again.state_dict().keys() == nn.Sequential(plain).state_dict().keys()
    for key, value in plain.state_dict().items():
        for part in again.state_dict()[f'0.{key}'].chunk(M) if value.ndim else ():
            assert torch.equal(part, value)


def test_finds_norms_and_nothing_else():
    shared = nn.LayerNorm(C)
    frozen = nn.BatchNorm2d(C).requires_grad_(False)
    frozen.eval()
    model = nn.ModuleDict(
        {
            'first': shared,
            'second': shared,
            'frozen': frozen,
            'inner': nn.Sequential(nn.SyncBatchNorm(C), nn.Conv2d(C, C, 1)),
            'plain': nn.InstanceNorm2d(C),
            'empty': nn.LayerNorm(C, elementwise_affine=False),
            'spectral': spectral_norm(nn.Conv2d(C, C, 1)),
            'private': ModalitySpecificBN(C, num_modalities=M),
            'conv': ModalitySpecificConv(C, C, 1, num_modalities=M),
        }
    )
    kept = {name: model[name] for name in ('plain', 'empty', 'spectral', 'private', 'conv')}
    inside = {name: list(module.modules()) for name, module in kept.items()}
    make_norms_private(model, M)
    assert model['first'] is model['second']
    assert type(model['first']) is ModalitySpecificLN
    assert isinstance(model['inner'][0], ModalitySpecificNorm)
    assert isinstance(model['inner'][0], nn.SyncBatchNorm)
    assert not model['frozen'].training
    assert not any(value.requires_grad for value in model['frozen'].parameters())
    for name, module in kept.items():
        assert list(model[name].modules()) == inside[name]
        assert model[name] is module


@pytest.mark.parametrize(
    ('name', 'cfg'),
    [
        ('ln1', dict(type='ModalitySpecificLN')),
        ('gn1', dict(type='ModalitySpecificGN', num_groups=2)),
    ],
)
def test_built_by_name(name, cfg):
    built, norm = build_norm_layer(dict(cfg, num_modalities=M), C, postfix=1)
    assert built == name
    assert list(norm.state_dict()) == ['weight', 'bias']
    x = torch.randn(TOKENS if name == 'ln1' else MAPS)
    expected = F.layer_norm(x, (C,)) if name == 'ln1' else F.group_norm(x, 2)
    torch.testing.assert_close(norm(x), expected)
    one = build_norm_layer(dict(cfg, num_modalities=1), C)[1]
    torch.testing.assert_close(one(x), expected)


def test_layer_norm_without_parameters():
    norm = ModalitySpecificLN(C, num_modalities=M, elementwise_affine=False)
    x = torch.randn(TOKENS)
    assert torch.equal(norm(x), F.layer_norm(x, (C,)))


def test_wrong_input():
    class SingleScaleNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

    model = nn.Sequential(nn.Sequential(SingleScaleNorm()))
    with pytest.raises(ValueError, match=r"0\.0: SingleScaleNorm .* the single number 'scale'"):
        make_norms_private(model, M)
    for make, _, shape in NORMS.values():
        model = nn.Sequential(make())
        make_norms_private(model, M)
        with pytest.raises(ValueError, match='does not hold 3 modalities'):
            model(torch.zeros(M + 1, *shape[1:]))
