import pytest
import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from mmengine.runner.checkpoint import get_state_dict, load_checkpoint, save_checkpoint
from mmseg.models.backbones import ResNet
from torch import nn

from mmamf.models import FusionOperator, SharedMultimodalResNet

FUSION = {'type': 'ChannelShufflePixelShiftFusion'}
SMALL = {'base_channels': 8, 'stem_channels': 8}
DEPTHS = [18, 34, 50, 101, 152]
VARIANTS = {
    'plain': {},
    'v1c': {'deep_stem': True},
    'v1d': {'deep_stem': True, 'avg_down': True},
    'stride 8': {'strides': (1, 2, 1, 1), 'dilations': (1, 1, 2, 4), 'contract_dilation': True},
    'two stages': {
        'num_stages': 2,
        'strides': (1, 2),
        'dilations': (1, 1),
        'out_indices': (0, 1),
    },
}


def build(depth=18, num_modalities=2, seed=0, **kwargs):
    """A small backbone with random norms, so that no two modalities agree by accident."""
    torch.manual_seed(seed)
    model = SharedMultimodalResNet(depth, num_modalities, **{**SMALL, **kwargs})
    model.init_weights()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
    return model


def load_plain(model, **kwargs):
    """mmseg's ResNet with the weights of a backbone of ours that has one modality."""
    plain = ResNet(model.depth, **{**SMALL, **kwargs})
    plain.load_state_dict(model.state_dict(), strict=True)
    return plain


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('variant', VARIANTS)
def test_one_modality_equals_mmseg_variants(variant, training):
    kwargs = VARIANTS[variant]
    check_equals_mmseg(18, training, **kwargs)


@pytest.mark.parametrize('depth', DEPTHS)
def test_one_modality_equals_mmseg_depths(depth):
    check_equals_mmseg(depth, training=False)


def check_equals_mmseg(depth, training, **kwargs):
    model = build(depth, 1, **kwargs)
    plain = load_plain(model, **kwargs)
    x = torch.randn(2, 3, 40, 33)
    ours, theirs = model.train(training)(x), (plain.train(training), plain(x))[1]
    assert len(ours) == len(theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs))
    assert model.state_dict().keys() == plain.state_dict().keys()
    for key, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key


@pytest.mark.parametrize('depth', [18, 50])
def test_initialization_equals_mmseg(depth):
    torch.manual_seed(0)
    plain = ResNet(depth, **SMALL)
    torch.manual_seed(0)
    ours = SharedMultimodalResNet(depth, 1, **SMALL)
    for model in (plain, ours):
        torch.manual_seed(1)
        model.init_weights()
    for key, value in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[key], value), key


@pytest.mark.parametrize('depth', [18, 50])
def test_fusion_is_the_identity_for_one_modality(depth):
    x = torch.randn(2, 3, 32, 32)
    fused, plain = (build(depth, 1, fusion=fusion).eval() for fusion in (FUSION, None))
    for a, b in zip(fused(x), plain(x)):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize('num_modalities', [2, 3])
def test_without_fusion_modalities_do_not_meet(num_modalities):
    model = build(18, num_modalities).eval()
    x = torch.randn(2, num_modalities * 3, 32, 32)
    outs = model(x)
    single = build(18, 1).eval()
    for m in range(num_modalities):
        state = {
            key: value.chunk(num_modalities)[m] if is_private(key) and value.ndim else value
            for key, value in model.state_dict().items()
        }
        single.load_state_dict(state)
        for ours, alone in zip(outs, single(x[:, 3 * m : 3 * m + 3])):
            torch.testing.assert_close(ours[m::num_modalities], alone, rtol=1e-5, atol=1e-5)


def is_private(key):
    return 'bn' in key or 'downsample.1' in key


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('num_modalities', [2, 3, 4])
def test_one_fused_stage_reaches_two_partners_on(depth, num_modalities):
    """Entering reads from the partner, leaving from the partner's partner."""
    model = build(depth, num_modalities, fusion=FUSION).eval()
    x = torch.randn(1, num_modalities * 3, 32, 32, requires_grad=True)
    model(x)[0][0].sum().backward()  # the first modality's map of the first stage
    reached = [bool(x.grad[0, 3 * m : 3 * m + 3].any()) for m in range(num_modalities)]
    assert reached == [True, True, True, False][:num_modalities]


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize(('order', 'commutes'), [((1, 2, 0), True), ((1, 0, 2), False)])
def test_renaming_the_modalities(depth, order, commutes):
    model = build(depth, 3, fusion=FUSION).eval()
    x = torch.randn(2, 3, 3, 32, 32)
    outs = model(x.flatten(1, 2))
    state = {
        key: torch.cat([value.chunk(3)[m] for m in order])
        if is_private(key) and value.ndim
        else value
        for key, value in model.state_dict().items()
    }
    model.load_state_dict(state)
    renamed = model(x[:, order].flatten(1, 2))
    equal = [
        torch.allclose(a.unflatten(0, (2, 3))[:, order], b.unflatten(0, (2, 3)), atol=1e-4)
        for a, b in zip(outs, renamed)
    ]
    assert all(equal) if commutes else not any(equal)


def test_fusion_stands_in_the_last_block_of_the_chosen_stages():
    model = build(34, fusion=FUSION, fusion_stages=(1, 3))
    slots = {
        name: block.fusion is not None
        for name, block in model.named_modules()
        if hasattr(block, 'fusion')
    }
    assert [name for name, filled in slots.items() if filled] == ['layer2.3', 'layer4.2']
    assert len(slots) == 3 + 4 + 6 + 3


@pytest.mark.parametrize('depth', [18, 50])
def test_fusion_in_all_blocks_of_the_chosen_stages(depth):
    model = build(depth, fusion=FUSION, fusion_stages=(0, 2), fused_blocks='all').eval()
    for index, stage in enumerate(model.res_layers):
        filled = {block.fusion is not None for block in getattr(model, stage)}
        assert filled == {index in (0, 2)}
    last = build(depth, fusion=FUSION, fusion_stages=(0, 2)).eval()
    x = torch.randn(1, 6, 32, 32)
    assert not torch.equal(model(x)[0], last(x)[0])


class Recorder(FusionOperator):
    """An operator that remembers what it was shown, for these tests."""

    def enter(self, x):
        self.entered = x
        return x, None

    def leave(self, x, carry):
        self.left = x
        return x

    def attach_norm(self, norm):
        self.attached = [norm]  # in a list, so that it does not become a child


@pytest.mark.parametrize(('depth', 'fused'), [(18, 1), (50, 2)])
def test_operator_sees_one_shape_and_the_norm_of_the_fused_convolution(depth, fused):
    model = build(depth, fusion={'type': Recorder}, fused_blocks='all').eval()
    model(torch.randn(1, 6, 32, 32))
    blocks = [block for stage in model.res_layers for block in getattr(model, stage)]
    for block in blocks:
        operator = block.fusion
        assert operator.attached == [getattr(block, f'norm{fused}')]
        assert operator.channels == operator.left.shape[1]
        assert operator.entered.shape == operator.left.shape
    # Only blocks that change the shape enter behind the convolution.
    behind = [block.fusion.entered is block.fusion.left for block in blocks]
    assert sum(behind) == 3
    assert all(block.downsample is not None for block, b in zip(blocks, behind) if b)


@pytest.mark.parametrize('depth', [18, 50])
def test_fused_block_equals_its_parts(depth):
    model = build(depth, fusion=FUSION, fused_blocks='all').eval()
    for stage in ('layer1', 'layer2'):
        block = getattr(model, stage)[0]
        conv1 = block.conv1
        x = torch.randn(2, conv1.in_channels, 8, 8)
        fusion, relu = block.fusion, torch.relu
        inner = x if depth == 18 else relu(block.norm1(conv1(x)))
        conv, norm = (conv1, block.norm1) if depth == 18 else (block.conv2, block.norm2)
        if stage == 'layer1':
            mixed, carry = fusion.enter(inner)
            out = fusion.leave(relu(norm(conv(mixed))), carry)
        else:
            out = fusion.leave(*fusion.enter(relu(norm(conv(inner)))))
        out = block.norm2(block.conv2(out)) if depth == 18 else block.norm3(block.conv3(out))
        shortcut = x if block.downsample is None else block.downsample(x)
        torch.testing.assert_close(block(x), relu(out + shortcut))


PRIVATE = {'type': 'ModalitySpecificConv'}
SHARING = {
    'shared, private': {},
    'shared, shared': {'norm_cfg': {'type': 'BN'}},
    'private, private': {'conv_cfg': PRIVATE},
    'private, shared': {'conv_cfg': PRIVATE, 'norm_cfg': {'type': 'BN'}},
}


@pytest.mark.parametrize('sharing', SHARING)
def test_sharing_is_decided_by_two_configs(sharing):
    private_conv, private_norm = (word == 'private' for word in sharing.split(', '))
    model = build(18, 3, fusion=FUSION, **SHARING[sharing]).eval()
    plain = build(18, 1).state_dict()
    for key, value in model.state_dict().items():
        private = private_norm if is_private(key) else private_conv
        expected = plain[key].repeat_interleave(3, 0) if private and value.ndim else plain[key]
        assert value.shape == expected.shape, key
    assert model(torch.randn(1, 9, 32, 32))[0].shape == (3, 8, 8, 8)


@pytest.mark.parametrize(
    ('depth', 'kwargs'),
    [(18, {}), (18, VARIANTS['v1d']), (18, VARIANTS['stride 8']), (50, {'in_channels': 2})],
)
def test_private_both_are_separate_networks(depth, kwargs):
    m_count, stem = 3, kwargs.get('in_channels', 3)
    model = build(depth, m_count, conv_cfg=PRIVATE, **kwargs).double().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    x = torch.randn(2, m_count * stem, 32, 32).double()
    outs = model(x)
    outs[-1][1::m_count].square().sum().backward()  # of the second modality alone
    gradients = {
        name.replace('.conv.', '.').replace('.norm.', '.'): p.grad.chunk(m_count)
        for name, p in model.named_parameters()
    }
    for m in range(m_count):
        alone = ResNet(depth, **{**SMALL, **kwargs}).double()
        alone.load_state_dict(
            {key: value.chunk(m_count)[m] if value.ndim else value for key, value in before.items()}
        )
        expected = alone(x[:, stem * m : stem * (m + 1)])
        for ours, theirs in zip(outs, expected):
            torch.testing.assert_close(ours[m::m_count], theirs)
        expected[-1].square().sum().backward()
        for name, parameter in alone.named_parameters():
            gradient = gradients[name][m]
            if m == 1:
                torch.testing.assert_close(gradient, parameter.grad)
            else:
                assert not gradient.any(), name


def test_private_convolutions_start_like_plain_ones():
    torch.manual_seed(0)
    model = SharedMultimodalResNet(18, 4, conv_cfg=PRIVATE)
    model.init_weights()
    weights = {
        'stem': (model.conv1, 64 * 49),
        'block': (model.layer2[0].conv1, 128 * 9),
        'shortcut': (model.layer2[0].downsample[0], 128),
    }
    for name, (layer, fan_out) in weights.items():
        for kernel in layer.weight.chunk(4):
            assert kernel.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05), name


def test_private_convolutions_are_frozen_with_their_stage():
    model = build(18, conv_cfg=PRIVATE, frozen_stages=1, norm_eval=True).train()
    frozen = {name.split('.')[0] for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {'conv1', 'bn1', 'layer1'}
    assert not any(m.training for m in model.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize('sharing', SHARING)
def test_round_trip_through_mmengine(sharing, tmp_path):
    first = build(18, 2, seed=0, **SHARING[sharing])
    save_checkpoint({'state_dict': get_state_dict(first)}, str(tmp_path / 'b.pth'))
    second = build(18, 2, seed=1, **SHARING[sharing])
    load_checkpoint(second, str(tmp_path / 'b.pth'), strict=True)
    for key, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], value), key


@MODELS.register_module(force=True)
class ScaleFusion(FusionOperator):
    """An operator with a parameter, for this test."""

    def __init__(self, num_modalities, channels):
        super().__init__(num_modalities, channels)
        self.scale = nn.Parameter(torch.ones(channels))

    def enter(self, x):
        return x * self.scale.view(1, -1, 1, 1), None

    def leave(self, x, carry):
        return x


@pytest.mark.parametrize('depth', [18, 50])
def test_operator_with_parameters_learns_its_channels_from_the_backbone(depth):
    model = build(depth, fusion={'type': 'ScaleFusion'})
    assert isinstance(model.layer1[-1].fusion, BaseModule)
    sum(out.sum() for out in model(torch.randn(2, 6, 32, 32))).backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize('depth', [18, 50])
def test_activation_checkpointing_changes_nothing(depth):
    x = torch.randn(2, 6, 32, 32)
    gradients = []
    for with_cp in (False, True):
        model = build(depth, fusion=FUSION, with_cp=with_cp, norm_eval=True).train()
        sum(out.square().sum() for out in model(x)).backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)


def test_norm_eval_and_frozen_stages():
    model = build(18, norm_eval=True, frozen_stages=1).train()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
    frozen = {name.split('.')[0] for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {'conv1', 'bn1', 'layer1'}
    assert model.training
    assert model.eval() is model  # mmseg's own returns None


def test_shared_norms_are_possible():
    model = build(18, norm_cfg={'type': 'BN'}, fusion=FUSION)
    assert model.bn1.num_features == 8
    assert model(torch.randn(1, 6, 32, 32))[0].shape == (2, 8, 8, 8)


@pytest.mark.parametrize('conv_cfg', [None, {'type': 'ModalitySpecificConv'}])
def test_imagenet_checkpoint_starts_every_modality(tmp_path, conv_cfg):
    plain = ResNet(18, **SMALL)
    for module in plain.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight)
    torch.save(plain.state_dict(), tmp_path / 'r18.pth')
    init_cfg = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'r18.pth')}
    model = SharedMultimodalResNet(18, 3, conv_cfg=conv_cfg, init_cfg=init_cfg, **SMALL)
    model.init_weights()
    for key, value in plain.state_dict().items():
        loaded = model.state_dict()[key]
        private = value.ndim and (is_private(key) or conv_cfg)
        expected = torch.cat([value] * 3) if private else value
        assert torch.equal(loaded, expected), key


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'fusion': FUSION, 'fusion_stages': (0, 4)}, r'fusion_stages must lie in 0\.\.3'),
        (
            {'norm_cfg': {'type': 'ModalitySpecificBN', 'num_modalities': 3}},
            'norm_cfg.num_modalities: expected 2, as of the backbone, got 3',
        ),
        (
            {'conv_cfg': {'type': 'ModalitySpecificConv', 'num_modalities': 3}},
            'conv_cfg.num_modalities: expected 2, as of the backbone, got 3',
        ),
        (
            {'fusion': FUSION, 'fused_blocks': 'first'},
            "fused_blocks must be 'last' or 'all', got 'first'",
        ),
        (
            {
                'fusion': FUSION,
                'depth': 50,
                'plugins': [
                    {
                        'cfg': {'type': 'ContextBlock', 'ratio': 1 / 4},
                        'position': 'after_conv2',
                    }
                ],
            },
            'plugins and fusion cannot be combined',
        ),
        ({'num_modalities': 0}, 'num_modalities must be at least 1'),
    ],
)
def test_wrong_configuration(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(**kwargs)


def test_wrong_number_of_channels():
    with pytest.raises(ValueError, match=r'expected 6 input channels \(2 modalities x 3\)'):
        build()(torch.zeros(1, 4, 32, 32))
