"""The deploy form: equal outputs, and no norm left that could go."""

import copy

import pytest
import torch
from mmcv.cnn import ConvModule
from mmengine.registry import MODELS
from mmseg.models.backbones import ResNet
from mmseg.models.decode_heads import SegformerHead
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from mmamf import deploy
from mmamf.deployment.quick_segformer_head import QuickSegformerHead
from mmamf.models import SharedMultimodalResNet, SharedMultimodalUnetGenerator

FUSION = dict(type='ChannelShufflePixelShiftFusion')
SMALL = dict(base_channels=8, stem_channels=8)
SHARING = {
    'private norms': {},
    'shared norms': dict(norm_cfg=dict(type='BN')),
    'private convs': dict(conv_cfg=dict(type='ModalitySpecificConv')),
    'private convs, shared norms': dict(
        conv_cfg=dict(type='ModalitySpecificConv'), norm_cfg=dict(type='BN')
    ),
    'without affine': dict(norm_cfg=dict(type='ModalitySpecificBN', eps=1e-3)),
}


def assert_equal(found, expected, tolerance=1e-5):
    """Largest error relative to the largest value."""
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() <= tolerance * b.abs().max()


def norms_of(model):
    return [module for module in model.modules() if isinstance(module, _NormBase)]


@pytest.mark.parametrize('sharing', SHARING)
@pytest.mark.parametrize('num_modalities', [1, 2, 3])
def test_backbone(randomize, num_modalities, sharing):
    model = randomize(
        SharedMultimodalResNet(18, num_modalities, fusion=FUSION, **SMALL, **SHARING[sharing])
    )
    deployed = deploy(model)
    x = torch.randn(2, num_modalities * 3, 41, 35)
    assert_equal(deployed(x), model(x))
    assert not norms_of(deployed)


@pytest.mark.parametrize(
    'variant', [dict(depth=50), dict(depth=18, deep_stem=True, avg_down=True)], ids=str
)
def test_variants_of_the_backbone(randomize, variant):
    model = randomize(SharedMultimodalResNet(num_modalities=2, fusion=FUSION, **SMALL, **variant))
    deployed = deploy(model)
    x = torch.randn(2, 6, 64, 48)
    assert_equal(deployed(x), model(x))
    assert not norms_of(deployed)
    # in channels-last memory as well
    x, deployed = (part.to(memory_format=torch.channels_last) for part in (x, deployed))
    assert_equal(deployed(x), model(x))


@pytest.mark.parametrize('num_modalities', [1, 2])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_deploy_form_compiles_to_one_graph(randomize, num_modalities, layout):
    model = randomize(SharedMultimodalResNet(18, num_modalities, fusion=FUSION, **SMALL))
    deployed = deploy(model).to(memory_format=layout)
    x = torch.randn(2, num_modalities * 3, 41, 35).contiguous(memory_format=layout)
    compiled = torch.compile(deployed, fullgraph=True, backend='aot_eager')
    with torch.no_grad():
        assert_equal(compiled(x), deployed(x))
        assert_equal(compiled(x), model(x))


def test_deployed_segmentor_compiles_to_one_graph(make_segmentor):
    model = make_segmentor(2, head='RefineNetHead', fusion=FUSION)
    deployed = deploy(model)
    x = torch.randn(1, 6, 45, 61)
    with torch.no_grad():
        compiled = torch.compile(deployed, fullgraph=True, backend='eager')
        assert_equal([compiled(x)], [deployed(x)])


class NormAndActivation(nn.BatchNorm2d):
    """As libraries of backbones have them."""

    def forward(self, x):
        return super().forward(x).relu()


def test_norms_that_do_more_stay(randomize):
    model = randomize(nn.Sequential(nn.Conv2d(3, 4, 3), NormAndActivation(4)))
    deployed = deploy(model)
    x = torch.randn(2, 3, 9, 8)
    assert torch.equal(deployed(x), model(x))
    assert len(norms_of(deployed)) == 1


def test_plain_backbone_keeps_its_size(randomize):
    model = ResNet(18, **SMALL)
    randomize(model)
    deployed = deploy(model)
    x = torch.randn(1, 3, 40, 40)
    assert_equal(deployed(x), model(x))
    weights, kept = (
        sum(p.numel() for name, p in m.named_parameters() if p.ndim == 4) for m in (model, deployed)
    )
    assert weights == kept


def test_shared_kernels_stay_shared(randomize):
    model = randomize(SharedMultimodalResNet(18, 3, **SMALL))
    deployed = deploy(model)
    assert deployed.layer1[0].conv1.weight.shape == model.layer1[0].conv1.weight.shape


@pytest.mark.parametrize('num_modalities', [1, 2, 3])
def test_segmentor(make_segmentor, num_modalities):
    model = make_segmentor(num_modalities, fusion=FUSION)
    deployed = deploy(model)
    x = torch.randn(2, num_modalities * 3, 45, 61)
    assert_equal([deployed(x)], [model(x)])
    assert not norms_of(deployed)


@pytest.mark.parametrize('num_modalities', [1, 2])
def test_generator(randomize, num_modalities):
    model = SharedMultimodalUnetGenerator(
        num_modalities, base_channels=4, fusion=FUSION, image_size=64
    )
    randomize(model)
    deployed = deploy(model)
    x = torch.randn(2, num_modalities * 3, 64, 128)
    assert_equal(deployed(x, return_all=True), model(x, return_all=True))
    assert not norms_of(deployed)


@pytest.mark.parametrize(
    'kind', ['ConcatenationFusion', 'SqueezeExcitationFusion', 'AlignmentFusion', 'AdditionFusion']
)
def test_operators_stay(randomize, kind):
    model = randomize(SharedMultimodalResNet(18, 2, fusion=dict(type=kind), **SMALL))
    x = torch.randn(1, 6, 40, 40)
    assert_equal(deploy(model)(x), model(x))


def test_norms_whose_scales_an_operator_reads_stay(randomize):
    fusion = dict(type='ChannelExchangeFusion', threshold=0.9)
    model = randomize(SharedMultimodalResNet(18, 2, fusion=fusion, **SMALL))
    deployed = deploy(model)
    x = torch.randn(1, 6, 40, 40)
    assert_equal(deployed(x), model(x))
    assert len(norms_of(deployed)) == 4  # one for each fused stage
    deployed.double()  # they follow the model, as do the scales that are read
    assert_equal(deployed(x.double()), [level.double() for level in model(x)])


def test_model_is_left_unchanged(randomize):
    model = randomize(SharedMultimodalResNet(18, 2, **SMALL)).train()
    before = copy.deepcopy(model.state_dict())
    deployed = deploy(model)
    assert model.training and not deployed.training
    assert all(torch.equal(model.state_dict()[key], before[key]) for key in before)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not any(parameter.requires_grad for parameter in deployed.parameters())
    assert not {p.data_ptr() for p in model.parameters()} & {
        p.data_ptr() for p in deployed.parameters()
    }


def test_copy_moves_and_is_stored(randomize):
    deployed = deploy(randomize(SharedMultimodalResNet(18, 2, **SMALL)))
    x = torch.randn(1, 6, 40, 40)
    expected = deployed(x)
    other = deploy(SharedMultimodalResNet(18, 2, **SMALL))
    other.load_state_dict(deployed.state_dict())
    assert_equal(other(x), expected)


def bn(channels=4):
    return nn.BatchNorm2d(channels)


STAYING = {
    'first norm, then convolution': lambda: ConvModule(
        4, 4, 3, norm_cfg=dict(type='BN'), order=('norm', 'conv', 'act')
    ),
    'activation in between': lambda: nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(), bn()),
    'no convolution': lambda: nn.Sequential(bn()),
    'statistics of the image': lambda: nn.Sequential(
        nn.Conv2d(4, 4, 3), nn.InstanceNorm2d(4, affine=True)
    ),
    'spectral norm': lambda: nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 4, 3)), bn()
    ),
    'normalized weights': lambda: ConvModule(
        4, 4, 3, conv_cfg=dict(type='ConvAWS'), norm_cfg=dict(type='BN')
    ),
    'groups of a transposed convolution': lambda: nn.Sequential(
        nn.ConvTranspose2d(4, 4, 3, groups=2), bn()
    ),
}


def shared_convolution():
    conv = nn.Conv2d(4, 4, 3, padding=1)
    return nn.Sequential(nn.Sequential(conv, bn()), nn.Sequential(conv, bn()))


STAYING['convolution used twice'] = shared_convolution


@pytest.mark.parametrize('case', STAYING)
def test_norms_that_cannot_be_folded_stay(case):
    torch.manual_seed(0)
    model = STAYING[case]()
    for norm in norms_of(model):
        if norm.running_mean is not None:
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    deployed = deploy(model)
    x = torch.randn(2, 4, 9, 9)
    assert_equal([deployed(x)], [model.eval()(x)])
    assert len(norms_of(deployed)) == len(norms_of(model))


@pytest.mark.parametrize('conv', ['Conv2d', 'deconv'])
@pytest.mark.parametrize('bias', [True, False])
def test_private_affine_by_hand(conv, bias):
    """Fold by definition: (y - mean) / sqrt(var + eps) * weight + bias, map by map."""
    m, norm = 2, dict(type='ModalitySpecificBN', num_modalities=2)
    torch.manual_seed(0)
    module = ConvModule(3, 4, 3, bias=bias, conv_cfg=dict(type=conv), norm_cfg=norm, act_cfg=None)
    bn = module.norm
    for values in (bn.running_mean, bn.weight.data, bn.bias.data):
        values.normal_()
    bn.running_var.uniform_(0.5, 2)
    x = torch.randn(3 * m, 3, 7, 8)
    maps = module.conv(x)
    expected = torch.empty_like(maps)
    for index in range(len(x)):
        own = slice(4 * (index % m), 4 * (index % m) + 4)
        columns = [
            values[own, None, None]
            for values in (bn.running_mean, bn.running_var, bn.weight, bn.bias)
        ]
        mean, var, weight, shift = columns
        expected[index] = (maps[index] - mean) / (var + bn.eps).sqrt() * weight + shift
    assert_equal([deploy(module)(x)], [expected.detach()])
    assert not norms_of(deploy(module))


def test_registered_models_of_mmseg(segmentor_cfg, randomize):
    cfg = segmentor_cfg(2)
    cfg['backbone'] = dict(
        type='SharedMultimodalBackbone',
        num_modalities=2,
        backbone=dict(type='ResNetV1c', depth=18, norm_cfg=dict(type='SyncBN'), **SMALL),
    )
    model = randomize(MODELS.build(cfg))
    x = torch.randn(1, 6, 40, 40)
    assert_equal([deploy(model)(x)], [model(x)])
    assert not norms_of(deploy(model))


@pytest.mark.parametrize('norm', ['BN', 'GN', None])
def test_segformer_head_fuses_before_it_upsamples(randomize, norm):
    """The same logits, from a third of the multiply-adds of the fusion."""
    norm_cfg = norm and dict(type=norm, **(dict(num_groups=2) if norm == 'GN' else {}))
    config = dict(in_channels=[4, 6, 8], in_index=[0, 1, 2], channels=8, num_classes=3)
    head = SegformerHead(**config, norm_cfg=norm_cfg, align_corners=False)
    head = randomize(head).double().eval()
    quick = deploy(head)
    assert type(head).__name__ == 'SegformerHead' and isinstance(quick, QuickSegformerHead)
    sizes = ((4, 9, 12), (6, 5, 6), (8, 3, 3))
    pyramid = [torch.randn(2, *size, dtype=torch.double) for size in sizes]
    torch.testing.assert_close(quick(pyramid), head(pyramid))
    again = copy.deepcopy(quick)
    assert torch.equal(again(pyramid), quick(pyramid))


def test_a_head_that_inherits_from_segformer_stays():
    class Own(SegformerHead):
        pass

    head = Own(in_channels=[4], in_index=[0], channels=8, num_classes=3)
    assert type(deploy(head)) is Own
