"""Backbones for modalities of different numbers of bands: private stems, and tiling."""

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.runner.checkpoint import load_checkpoint, save_checkpoint
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS as MMSEG_MODELS

from mmamf.models import MultimodalSegDataPreprocessor
from mmamf.models.convs import BandedConv
from mmamf.models.convs.first_kernel import average_kernel, tile_kernel
from mmamf.models.presence import presence_of

SMALL = dict(depth=18, base_channels=8, stem_channels=8)
FUSION = dict(type='ChannelShufflePixelShiftFusion')
BANDS = (4, 1, 3, 2, 8)
VARIANTS = {'v1': {}, 'v1c': dict(deep_stem=True)}


def build(bands=BANDS, num_modalities=None, **kwargs):
    torch.manual_seed(0)
    m = num_modalities or len(bands)
    return MODELS.build(
        dict(SMALL, type='SharedMultimodalResNet', num_modalities=m, bands=bands, **kwargs)
    )


def stem_of(net):
    return net.stem[0] if net.deep_stem else net.conv1


@pytest.mark.parametrize('variant', VARIANTS)
def test_equals_one_network_per_modality(variant):
    """Private stems, at 1, 2, 3, 4 and 8 bands, of a checkpoint for RGB."""
    kwargs = VARIANTS[variant]
    net = build(**kwargs).double()
    rgb = ResNet(**SMALL, **kwargs).double()
    rgb.init_weights()
    state = rgb.state_dict()
    net.load_state_dict(state)
    x = torch.randn(2, 5 * 8, 32, 32, dtype=torch.double)
    net.train()
    outs = net(x)
    sum(maps.square().sum() for maps in outs).backward()
    key = 'stem.0.weight' if kwargs else 'conv1.weight'
    for index, count in enumerate(BANDS):
        alone = ResNet(**SMALL, in_channels=count, **kwargs).double()
        alone.load_state_dict({**state, key: average_kernel(state[key], count)})
        expected = alone(x[:, 8 * index : 8 * index + count])
        for mine, its in zip(outs, expected):
            torch.testing.assert_close(mine[index::5], its)
        sum(maps.square().sum() for maps in expected).backward()
        own = stem_of(net).of_modality(index).weight.grad
        torch.testing.assert_close(own, stem_of(alone).weight.grad, rtol=1e-5, atol=1e-7)
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('bands', [1, 2, 3, 4, 8])
def test_tiling(variant, bands):
    """A shared stem for the widest: RGB gives what it gave, whatever it is tiled to."""
    kwargs, wide = VARIANTS[variant], max(bands, 3)
    net = build((3, bands), **kwargs, in_channels=wide)
    assert isinstance(stem_of(net), BandedConv)
    net = build(None, 2, **kwargs, in_channels=wide).eval()
    rgb = ResNet(**SMALL, **kwargs)
    state = rgb.state_dict()
    net.load_state_dict(state)
    torch.testing.assert_close(stem_of(net).weight, tile_kernel(stem_of(rgb).weight, wide))
    specs = [
        dict(name='rgb', channels=3, mean=[0.0] * 3, std=[1.0] * 3),
        dict(name='x', channels=bands, mean=[0.0] * bands, std=[1.0] * bands),
    ]
    preprocessor = MultimodalSegDataPreprocessor(specs, in_channels=wide)
    raw = torch.randn(2, 3 + bands, 32, 32)
    inputs = preprocessor(dict(inputs=list(raw)))['inputs']
    assert inputs.shape == (2, 2 * wide, 32, 32)
    assert torch.equal(inputs[:, wide : wide + bands], raw[:, 3:])
    rgb.eval()
    with torch.no_grad():
        for mine, its in zip(net(inputs), rgb(raw[:, :3])):
            torch.testing.assert_close(mine[::2], its, rtol=1e-4, atol=1e-4)
    net.train()(inputs)[-1].sum().backward()
    assert stem_of(net).weight.grad.abs().sum() > 0


def test_pretrained_and_own_checkpoints(tmp_path):
    rgb = ResNet(**SMALL)
    rgb.init_weights()
    save_checkpoint(dict(state_dict=rgb.state_dict()), str(tmp_path / 'rgb.pth'))
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'rgb.pth'))
    net = build(init_cfg=init_cfg)
    net.init_weights()
    for index, count in enumerate(BANDS):
        own = net.conv1.of_modality(index).weight
        assert torch.equal(own, average_kernel(rgb.conv1.weight, count))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter))
    save_checkpoint(dict(state_dict=net.state_dict()), str(tmp_path / 'own.pth'))
    again = build()
    load_checkpoint(again, str(tmp_path / 'own.pth'), strict=True)
    for key, value in again.state_dict().items():
        assert torch.equal(value, net.state_dict()[key])


def test_absent_modalities():
    net = build((4, 1), fusion=FUSION).eval()
    x = torch.randn(2, 8, 32, 32)
    x[0, 4:] = torch.nan
    with torch.no_grad():
        together = net(x)
        assert presence_of(together).tolist() == [[True, False], [True, True]]
        for mine, own in zip(together, net(x[:1])):
            torch.testing.assert_close(mine[:1], own[:1])
    small = build((4,)).eval()
    state = {k: v.chunk(2)[0] if v.ndim and 'bn' in k else v for k, v in net.state_dict().items()}
    state = {k: v.chunk(2)[0] if 'downsample.1' in k and v.ndim else v for k, v in state.items()}
    small.load_state_dict({k: v for k, v in state.items() if '.private.1.' not in k})
    with torch.no_grad():
        for mine, own in zip(together, small(x[:1, :4])):
            torch.testing.assert_close(mine[:1], own, rtol=1e-4, atol=1e-5)


def test_frozen_stages_and_private_convolutions():
    assert not any(p.requires_grad for p in build(frozen_stages=0).conv1.parameters())
    net = build((3, 1), conv_cfg=dict(type='ModalitySpecificConv')).eval()
    assert net.conv1.shared is None
    assert net(torch.randn(1, 6, 32, 32))[-1].shape[0] == 2


PLAIN = {
    'MixVisionTransformer': dict(embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 1, 1]),
    'SwinTransformer': dict(
        embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=4
    ),
    'MSCAN': dict(
        embed_dims=[8, 8, 8, 8],
        depths=[1, 1, 1, 1],
        mlp_ratios=[1, 1, 1, 1],
        norm_cfg=dict(type='BN'),
    ),
    'UNet': dict(base_channels=4),
}


@pytest.mark.parametrize('kind', PLAIN)
def test_any_backbone(kind):
    cfg = dict(PLAIN[kind], type=kind)
    torch.manual_seed(0)
    plain = MMSEG_MODELS.build(cfg)
    plain.eval()
    shared = dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=cfg)
    net = MODELS.build(dict(shared, bands=[3, 4])).eval()
    net.backbone.load_state_dict(plain.state_dict())
    x = torch.randn(2, 8, 64, 64)
    with torch.no_grad():
        expected = plain(x[:, :3])
        for mine, its in zip(net(x), expected):
            torch.testing.assert_close(mine[::2], its, rtol=1e-3, atol=1e-3)
        if kind != 'MSCAN':  # its number of channels is fixed
            wide = MODELS.build(dict(shared, backbone=dict(cfg, in_channels=4))).eval()
            wide.backbone.load_state_dict(plain.state_dict())
            tiled = torch.cat([x[:, [0, 1, 2, 0]], x[:, 4:]], dim=1)
            for mine, its in zip(wide(tiled), expected):
                torch.testing.assert_close(mine[::2], its, rtol=1e-3, atol=1e-3)
    (stem,) = (module for module in net.modules() if isinstance(module, BandedConv))
    net.train()(x)[-1].square().sum().backward()
    assert stem.private['1'].weight.grad.abs().sum() > 0


@pytest.mark.parametrize('bands', [(3,), (3, 0), (3, True), (3, 1.0), '31', 3])
def test_wrong_bands(bands):
    with pytest.raises(ValueError, match='bands: expected one number, .* 2 modalities, got'):
        build(bands, 2)


def test_errors():
    with pytest.raises(ValueError, match=r'expected 8 input channels \(2 modalities x 4\), got'):
        build((4, 1))(torch.zeros(1, 6, 32, 32))
    two = dict(type='BiSeNetV2', detail_channels=(8, 8, 8), semantic_channels=(8, 8, 8, 8))
    with pytest.raises(ValueError, match='bands: expected one convolution of BiSeNetV2 that reads'):
        MODELS.build(
            dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=two, bands=[4, 1])
        )
