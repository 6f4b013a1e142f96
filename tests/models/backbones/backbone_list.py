"""Every backbone of mmseg, at its smallest, and where its convolutions can be fused."""

import torch
from mmseg.registry import MODELS as MMSEG_MODELS

from mmamf.models import SharedMultimodalBackbone

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
SINGLE_MAP = ('DDRNet', 'PIDNet')  # return one map in evaluation, so that fusion has no pyramid
# Name -> modules inside it that keep the shape of their input. Three backbones have none: their
# tokens include one for the class.
PLACES = {
    'BiSeNetV1': ['context_path.backbone.layer?.1.conv2'],
    'BiSeNetV2': ['semantic.stage?.1'],
    'CGNet': ['level?.1'],
    'DDRNet': ['*_branch_layers.[01].1'],
    'ERFNet': ['encoder.1?'],
    'FastSCNN': ['global_feature_extractor.bottleneck?.1.conv.1'],
    'HRNet': ['stage?.0.branches.?.0.conv2'],
    'ICNet': ['backbone.layer?.1.conv2'],
    'MixVisionTransformer': ['layers.?.1.*'],
    'MobileNetV2': ['layer?.[1-9].conv.1'],
    'MobileNetV3': ['layer[35].depthwise_conv', 'layer1?.depthwise_conv'],
    'MSCAN': ['block?.*.attn.spatial_gating_unit'],
    'PCPVT': ['layers.?.*'],
    'PIDNet': ['i_branch_layers.?.1'],
    'ResNeSt': ['layer?.[1-9].conv2'],
    'ResNet': ['layer?.1.conv2'],
    'ResNetV1c': ['layer?.1.conv2'],
    'ResNetV1d': ['layer?.1.conv2'],
    'ResNeXt': ['layer?.[1-9].conv2'],
    'STDCContextPathNet': ['backbone.stages.[2-4].1'],
    'STDCNet': ['stages.[2-4].1'],
    'SVT': ['layers.?.*'],
    'SwinTransformer': ['stages.?.blocks.*'],
    'UNet': ['encoder.?.*.convs.1'],
    'TIMMBackbone: convnextv2_atto': ['timm_model.stages_?.blocks.*.conv_dw'],
    'TIMMBackbone: mobilevit_xxs': ['timm_model.stages_?.1.conv_kxk'],
    'TIMMBackbone: mobilevitv2_050': ['timm_model.stages_?.1.conv_kxk'],
    'TIMMBackbone: resnet10t': ['timm_model.layer?.0.conv2'],
}


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


def assert_close(actual, expected, tolerance):
    """Compare outputs, relative to how far those of the backbone spread."""
    actual, expected = outputs_of(actual), outputs_of(expected)
    for mine, its in zip(actual, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=tolerance * its.std().item())
