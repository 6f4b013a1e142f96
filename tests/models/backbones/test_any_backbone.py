"""Every backbone of mmseg, at its smallest, in SharedMultimodalBackbone; see docs/backbones.md."""

import re
from pathlib import Path

import mmseg.models.backbones
import pytest
import torch
from mmengine.registry import MODELS
from mmseg.registry import MODELS as MMSEG_MODELS

from mmamf.models import SharedMultimodalBackbone
from mmamf.models.modality_specific_layer import ModalitySpecificLayer

M, N = 2, 2
RESNET = dict(depth=18, base_channels=4, stem_channels=4)
VIT = dict(img_size=32, patch_size=8, embed_dims=16, num_layers=2, num_heads=2, out_indices=(0, 1))
STDC = dict(
    type='STDCNet',
    stdc_type='STDCNet1',
    in_channels=3,
    channels=(4, 8, 16, 32, 64),
    bottleneck_type='cat',
    num_convs=4,
    norm_cfg=dict(type='BN'),
    act_cfg=dict(type='ReLU'),
)
HRNET_STAGES = {
    f'stage{i}': dict(
        num_modules=1,
        num_branches=i,
        block='BASIC' if i > 1 else 'BOTTLENECK',
        num_blocks=(1,) * i,
        num_channels=(4, 8, 16, 32)[:i],
    )
    for i in range(1, 5)
}
TIMM = dict(type='TIMMBackbone', pretrained=False)
# Name in the table of docs/backbones.md -> config.
BACKBONES = {
    'BEiT': dict(VIT, type='BEiT', final_norm=True),
    'BiSeNetV1': dict(
        type='BiSeNetV1',
        backbone_cfg=dict(RESNET, type='ResNet'),
        context_channels=(8, 16, 32),
        spatial_channels=(4, 4, 4, 8),
        out_channels=16,
    ),
    'BiSeNetV2': dict(
        type='BiSeNetV2',
        detail_channels=(4, 4, 8),
        semantic_channels=(4, 8, 8, 8),
        bga_channels=8,
    ),
    'CGNet': dict(type='CGNet', num_channels=(8, 16, 16), num_blocks=(2, 2), reductions=(4, 4)),
    'DDRNet': dict(type='DDRNet', channels=4, ppm_channels=4),
    'ERFNet': dict(type='ERFNet', dropout_ratio=0),
    'FastSCNN': dict(
        type='FastSCNN',
        downsample_dw_channels=(8, 8),
        global_in_channels=8,
        global_block_channels=(8, 8, 8),
        global_out_channels=8,
        higher_in_channels=8,
        lower_in_channels=8,
        fusion_out_channels=8,
    ),
    'HRNet': dict(type='HRNet', extra=HRNET_STAGES),
    'ICNet': dict(
        type='ICNet',
        backbone_cfg=dict(RESNET, type='ResNetV1c', contract_dilation=True),
        layer_channels=(8, 32),
        light_branch_middle_channels=4,
        psp_out_channels=8,
        out_channels=(4, 8, 8),
    ),
    'MAE': dict(VIT, type='MAE', final_norm=True),
    'MixVisionTransformer': dict(
        type='MixVisionTransformer', embed_dims=4, num_layers=[1] * 4, num_heads=[1, 2, 2, 4]
    ),
    'MobileNetV2': dict(type='MobileNetV2', widen_factor=0.1),
    'MobileNetV3': dict(type='MobileNetV3'),
    'MSCAN': dict(type='MSCAN', embed_dims=[4, 8, 8, 8], depths=[1] * 4, norm_cfg=dict(type='BN')),
    'PCPVT': dict(
        type='PCPVT',
        embed_dims=[4, 8, 8, 8],
        num_heads=[1, 2, 2, 2],
        depths=[1] * 4,
        norm_after_stage=True,
    ),
    'PIDNet': dict(type='PIDNet', channels=4, ppm_channels=4),
    'ResNeSt': dict(type='ResNeSt', depth=50, base_channels=8, stem_channels=8),
    'ResNet': dict(RESNET, type='ResNet'),
    'ResNetV1c': dict(RESNET, type='ResNetV1c'),
    'ResNetV1d': dict(RESNET, type='ResNetV1d', norm_cfg=dict(type='GN', num_groups=2)),
    'ResNeXt': dict(RESNET, type='ResNeXt', depth=50, groups=2, base_width=32),
    'STDCContextPathNet': dict(
        type='STDCContextPathNet',
        backbone_cfg=STDC,
        last_in_channels=(64, 32),
        out_channels=8,
        ffm_cfg=dict(in_channels=24, out_channels=8, scale_factor=4),
    ),
    'STDCNet': STDC,
    'SVT': dict(
        type='SVT',
        embed_dims=[4, 8, 8],
        num_heads=[1, 2, 2],
        depths=[2] * 3,
        windiow_sizes=[4] * 3,
    ),
    'SwinTransformer': dict(
        type='SwinTransformer', embed_dims=4, depths=[2] * 4, num_heads=[1, 2, 2, 2], window_size=4
    ),
    'UNet': dict(type='UNet', base_channels=4, norm_cfg=dict(type='IN', affine=True)),
    'VisionTransformer': dict(VIT, type='VisionTransformer', final_norm=True, pre_norm=True),
    'TIMMBackbone: convnextv2_atto': dict(
        TIMM, model_name='convnextv2_atto', depths=(1, 1, 1, 1), dims=(8, 8, 16, 16)
    ),
    'TIMMBackbone: mobilevit_xxs': dict(TIMM, model_name='mobilevit_xxs'),
    'TIMMBackbone: mobilevitv2_050': dict(TIMM, model_name='mobilevitv2_050'),
    'TIMMBackbone: resnet10t': dict(TIMM, model_name='resnet10t', channels=(8, 8, 8, 8)),
}
UNTRIED = {'VPD'}  # needs the package of Stable Diffusion
SINGLE_MAP = ('DDRNet', 'PIDNet')  # return one map in evaluation, so that fusion has no pyramid
DOCS = Path(__file__).parents[3] / 'docs/backbones.md'


@pytest.fixture(params=BACKBONES)
def cfg(request):
    return BACKBONES[request.param]


def build_plain(cfg):
    torch.manual_seed(0)
    return randomize(without_dropout(MMSEG_MODELS.build(cfg)))


def without_dropout(model):
    for module in model.modules():
        for name in ('p', 'drop_prob'):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return model


def randomize(model):
    """Draw all that starts at 0 or 1: norms, and scales that switch a branch off."""
    for name, value in model.state_dict().items():
        if value.is_floating_point() and value.ndim:
            if name.endswith('running_var') or (value == value.flatten()[0]).all():
                value.uniform_(0.5, 1.5)
    return model


def build_shared(cfg, plain, num_modalities=M, **kwargs):
    model = without_dropout(SharedMultimodalBackbone(num_modalities, cfg, **kwargs))
    model.backbone.load_state_dict(plain.state_dict(), strict=True)
    return model


def draw(cfg, num_modalities=M):
    side = 128 if 'ppm_channels' in cfg else cfg.get('img_size', 64)
    return torch.randn(N, num_modalities * 3, side, side)


def outputs_of(result):
    return [result] if isinstance(result, torch.Tensor) else list(result)


def private_layers(model):
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, ModalitySpecificLayer)
    }


def take(model, index):
    """State of the plain backbone of one modality."""
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for name, layer in private_layers(model).items():
        for entry in layer.private_entries:
            key = f'{name}.{entry}'
            if key in state:
                state[key] = state[key].chunk(M)[index]
    return state


def assert_close(actual, expected, tolerance):
    """Compare outputs, relative to how far those of the backbone spread."""
    actual, expected = outputs_of(actual), outputs_of(expected)
    for mine, its in zip(actual, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=tolerance * its.std().item())


@pytest.mark.parametrize('training', [True, False])
def test_one_modality_is_the_plain_backbone(cfg, training):
    plain = build_plain(cfg)
    model = build_shared(cfg, plain, 1).train(training)
    plain.train(training)
    x = draw(cfg, 1)
    for mine, its in zip(outputs_of(model(x)), outputs_of(plain(x)), strict=True):
        assert torch.equal(mine, its)


def test_starts_as_the_plain_backbone(cfg):
    plain = build_plain(cfg)
    model = build_shared(cfg, plain)
    assert model.backbone.state_dict().keys() == plain.state_dict().keys()
    plain.eval(), model.eval()
    x = draw(cfg)
    result = outputs_of(model(x))
    for m, own in enumerate(x.chunk(M, dim=1)):
        assert_close([maps[m::M] for maps in result], plain(own), 1e-3)


def test_equals_a_plain_backbone_per_modality_in_training(cfg):
    """With norms that differ: outputs, gradients and running statistics, all in float64."""
    model = build_shared(cfg, build_plain(cfg)).double().train()
    layers = private_layers(model.backbone)
    for layer in layers.values():
        for value in layer.state_dict().values():
            value.uniform_(0.5, 1.5) if value.is_floating_point() else None
    states = [take(model.backbone, m) for m in range(M)]
    x = draw(cfg).double()
    result = outputs_of(model(x))
    weights = [torch.randn_like(maps) for maps in result]
    weigh_up(result, weights).backward()
    untrained = set()
    for m, own in enumerate(x.chunk(M, dim=1)):
        plain = build_plain(cfg).double()
        plain.train()
        plain.load_state_dict(states[m])
        expected = outputs_of(plain(own))
        assert_close([maps[m::M] for maps in result], expected, 1e-8)
        after = take(model.backbone, m)
        for name, buffer in plain.named_buffers():
            torch.testing.assert_close(after[name], buffer)
        weigh_up(expected, [w[m::M] for w in weights]).backward()
        gradients = {name: value.grad for name, value in plain.named_parameters()}
        largest = max(grad.abs().max().item() for grad in gradients.values() if grad is not None)
        for name, layer in layers.items():
            for key, value in layer.named_parameters():
                its, mine = gradients[f'{name}.{key}'], value.grad
                if its is None or its.abs().max() < 1e-10 * largest:
                    untrained.add(f'{name}.{key}')
                if its is None:
                    assert mine is None
                else:
                    mine = mine.chunk(M)[m]
                    torch.testing.assert_close(mine, its, rtol=1e-6, atol=1e-11 * largest)
    # What is added to a map in front of a batch norm is taken away again, in any network.
    assert all(name.endswith('.bias') for name in untrained)


def weigh_up(outputs, weights):
    return sum((maps * w).sum() for maps, w in zip(outputs, weights, strict=True))


def test_a_step_of_one_modality_leaves_the_norms_of_the_other(cfg):
    model = build_shared(cfg, build_plain(cfg)).train()
    before = [take(model.backbone, m) for m in range(M)]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    outputs = outputs_of(model(draw(cfg)))
    sum((maps[0::M] * torch.randn_like(maps[0::M])).sum() for maps in outputs).backward()
    optimizer.step()
    after = [take(model.backbone, m) for m in range(M)]
    private = {
        f'{name}.{key}'
        for name, layer in private_layers(model.backbone).items()
        for key, _ in layer.named_parameters()
    }
    assert all(torch.equal(after[1][key], before[1][key]) for key in private)
    moved = [key for key in private if not torch.equal(after[0][key], before[0][key])]
    assert len(moved) > len(private) / 2


def test_plain_checkpoint_loads_into_every_modality(cfg, tmp_path):
    plain = build_plain(cfg)
    torch.save(plain.state_dict(), tmp_path / 'plain.pth')
    pretrained = dict(type='Pretrained', checkpoint=str(tmp_path / 'plain.pth'))
    model = SharedMultimodalBackbone(M, {**cfg, 'init_cfg': pretrained})
    model.init_weights()
    for m in range(M):
        state = take(model.backbone, m)
        assert state.keys() == plain.state_dict().keys()
        assert all(torch.equal(state[key], value) for key, value in plain.state_dict().items())
    again = SharedMultimodalBackbone(M, cfg)
    again.load_state_dict(model.state_dict(), strict=True)
    for key, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)


def test_fuses_an_output(cfg):
    plain = build_plain(cfg)
    fusion = dict(type='ChannelShufflePixelShiftFusion')
    fused = build_shared(cfg, plain, fusion=fusion, fusion_stages=[0]).eval()
    x = draw(cfg)
    if cfg['type'] in SINGLE_MAP:
        with pytest.raises(ValueError, match=f'{cfg["type"]} returned a Tensor'):
            fused(x)
        return
    expected = list(build_shared(cfg, plain).eval()(x))
    operator = MODELS.build(dict(fusion, num_modalities=M))
    expected[0] = operator.leave(*operator.enter(expected[0]))
    for mine, its in zip(fused(x), expected, strict=True):
        assert torch.equal(mine, its)


def test_docs_list_every_backbone():
    rows = re.findall(r'^\| `(.+?)`.*?\| (yes|no) \| (yes|no) \|', DOCS.read_text(), re.MULTILINE)
    assert [name for name, *_ in rows] == sorted(BACKBONES | dict.fromkeys(UNTRIED), key=str.lower)
    assert {name.split(':')[0] for name, *_ in rows} == set(mmseg.models.backbones.__all__)
    for name, works, fuses in rows:
        assert (works == 'yes') == (name in BACKBONES)
        assert (fuses == 'yes') == (name in BACKBONES and name not in SINGLE_MAP)
