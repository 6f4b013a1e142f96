"""One modality of a trained model, by itself and as mmseg's own backbone."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from mmseg.models.backbones import ResNet
from torch import nn

from mmamf.deployment import (
    find_fusion_points,
    find_modality,
    load_segmentor,
    single_modality_config,
    single_modality_model,
    stock_backbone,
)
from mmamf.models.norms import ModalitySpecificBN, keep_part_statistics

FUSION = dict(type='ChannelShufflePixelShiftFusion')
NAMES = ('rgb', 'depth', 'thermal')
SHARING = {
    'private norms': {},
    'shared norms': dict(norm_cfg=dict(type='BN')),
    'private convs': dict(conv_cfg=dict(type='ModalitySpecificConv')),
}


@pytest.fixture
def make(segmentor_cfg, randomize):
    """A segmentor and its config; ``backbone`` replaces the backbone."""

    def build(num_modalities=2, backbone=None, **kwargs):
        cfg = Config(dict(model=segmentor_cfg(num_modalities, **kwargs)))
        if backbone is not None:
            cfg.model.backbone = backbone
        torch.manual_seed(0)
        model = randomize(MODELS.build(cfg.model))
        nn.init.normal_(model.decode_head.head.conv_seg.weight)
        return model, cfg.model.to_dict()

    return build


def assert_close(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert (a - b).abs().max() <= 1e-5 * b.abs().max()


@pytest.mark.parametrize('sharing', SHARING)
@pytest.mark.parametrize('num_modalities', [1, 2, 3])
def test_without_fusion_nothing_is_lost(make, num_modalities, sharing):
    model, config = make(num_modalities, **SHARING[sharing])
    assert find_fusion_points(model) == {}
    x = torch.randn(2, num_modalities * 3, 45, 35)
    pyramid = model.extract_feat(x)
    logits = model.decode_head.forward_all(pyramid).chunk(1 + num_modalities, dim=1)
    for index, name in enumerate(NAMES[:num_modalities]):
        single = single_modality_model(model, config, name)
        own = x[:, 3 * index : 3 * index + 3]
        expected = [level[index::num_modalities] for level in pyramid]
        assert_close(single.extract_feat(own), expected)
        assert_close([single.decode_head(single.extract_feat(own))], [logits[1 + index]])
        assert single.data_preprocessor.modalities == (name,)
        stock_config, backbone = stock_backbone(single, config['backbone'])
        assert type(backbone) is ResNet
        assert stock_config['type'] == 'ResNet'
        assert_close(backbone(own), expected)


@pytest.mark.parametrize('sharing', ['private norms', 'private convs'])
def test_it_predicts_what_the_model_predicts_without_the_others(make, sharing):
    config = dict(fusion=FUSION, **SHARING[sharing])
    model, config = make(3, **config)
    config['train_cfg'] = dict(exchange_dropout=0.5)
    for norm in model.modules():
        if isinstance(norm, ModalitySpecificBN):
            keep_part_statistics(norm)
            nn.init.uniform_(norm.part_mean, -0.2, 0.2)
            nn.init.uniform_(norm.part_var, 0.5, 2)
    x = torch.randn(2, 9, 45, 35)
    for index, name in enumerate(NAMES):
        lone = torch.full_like(x, torch.nan)
        lone[:, 3 * index : 3 * index + 3] = x[:, 3 * index : 3 * index + 3]
        single = single_modality_model(model, config, name)
        assert not any('part_' in key for key in single.state_dict())
        expected = model.decode_head(model.extract_feat(lone))
        own = x[:, 3 * index : 3 * index + 3]
        assert_close([single.decode_head(single.extract_feat(own))], [expected])


@pytest.mark.parametrize('kind', ['ChannelShufflePixelShiftFusion', 'ConcatenationFusion'])
def test_with_fusion_the_branch_keeps_its_own_maps(make, kind):
    model, config = make(fusion=dict(type=kind), fusion_stages=(1, 3))
    points = find_fusion_points(model)
    assert points == {
        'backbone.layer2.1.fusion': kind,
        'backbone.layer4.1.fusion': kind,
    }
    single = single_modality_model(model, config, 'depth')
    assert find_fusion_points(single) == {}
    x = torch.randn(1, 6, 40, 40)
    inside = [level[1::2] for level in model.extract_feat(x)]
    alone = single.extract_feat(x[:, 3:])
    torch.testing.assert_close(alone[0], inside[0])  # fused from the second stage on
    stock, _ = stock_backbone(single, config['backbone'] | dict(pretrained='resnet18.pth'))
    assert 'pretrained' not in stock  # which an init_cfg excludes


@pytest.mark.parametrize('kind', ['ChannelShufflePixelShiftFusion', 'ConcatenationFusion'])
def test_places_inside_a_backbone_are_dropped(make, kind):
    stock = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)
    backbone = dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=stock)
    model, config = make(
        backbone=dict(backbone, fusion=dict(type=kind), fuse_at=['layer[24].1.conv2'])
    )
    assert find_fusion_points(model) == {
        'backbone.inside.layer2-1-conv2': kind,
        'backbone.inside.layer4-1-conv2': kind,
    }
    single = single_modality_model(model, config, 'depth')
    assert find_fusion_points(single) == {}
    x = torch.randn(1, 6, 40, 40)
    inside = [level[1::2] for level in model.extract_feat(x)]
    alone = single.extract_feat(x[:, 3:])
    torch.testing.assert_close(alone[0], inside[0])  # fused from the second stage on
    lone = torch.cat([torch.full_like(x[:, :3], torch.nan), x[:, 3:]], dim=1)
    assert_close(alone, [level[1::2] for level in model.extract_feat(lone)])
    _, backbone = stock_backbone(single, config['backbone'])
    assert type(backbone) is ResNet and type(backbone.layer2[1].conv2) is not type(
        model.backbone.backbone.layer2[1].conv2
    )
    assert_close(backbone(x[:, 3:]), alone)


def test_neck_is_dropped(segmentor_cfg, randomize):
    config = segmentor_cfg(2) | dict(neck=dict(num_modalities=2, **FUSION))
    model = randomize(MODELS.build(config))
    single = single_modality_model(model, config, 'rgb')
    assert list(find_fusion_points(model)) == ['neck']
    assert single.neck is None if single.with_neck else True


@pytest.mark.parametrize('num_modalities', [1, 2])
def test_backbone_of_mmseg(make, num_modalities):
    """Take it out of SharedMultimodalBackbone, with private norms or shared ones."""
    norm = dict(type='ModalitySpecificBN', num_modalities=num_modalities)
    stock = dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8, norm_cfg=norm)
    backbone = dict(type='SharedMultimodalBackbone', num_modalities=num_modalities, backbone=stock)
    model, config = make(num_modalities, backbone=backbone)
    single = single_modality_model(model, config, 'rgb')
    stock_config, found = stock_backbone(single, config['backbone'])
    assert stock_config == stock | dict(norm_cfg=dict(type='BN'))
    x = torch.randn(1, 3 * num_modalities, 40, 40)
    expected = [level[::num_modalities] for level in model.extract_feat(x)]
    assert_close(found(x[:, :3]), expected)


def test_weights_are_not_shared_with_the_whole_model(make):
    model, config = make()
    single = single_modality_model(model, config, 'rgb')
    x = torch.randn(1, 3, 40, 40)
    before = single.extract_feat(x)
    for parameter in model.parameters():
        parameter.data.zero_()
    assert_close(single.extract_feat(x), before)


def test_unknown_modality(make):
    model, config = make()
    message = r"expected one of \('rgb', 'depth'\), got 'thermal'"
    with pytest.raises(ValueError, match=message):
        find_modality(model, 'thermal')
    with pytest.raises(ValueError, match=message):
        single_modality_model(model, config, 'thermal')


def test_other_backbones_are_refused(make):
    model, config = make()
    with pytest.raises(ValueError, match='expected SharedMultimodalResNet or .*, got UNet'):
        stock_backbone(model, dict(type='UNet'))


def test_loading(make, tmp_path, segmentor_cfg):
    model, config = make(fusion=FUSION)
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    loaded = load_segmentor(Config(dict(model=config)), path)
    assert not loaded.training
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)
    with pytest.raises(FileNotFoundError, match='there is no such checkpoint'):
        load_segmentor(Config(dict(model=config)), tmp_path / 'other.pth')
    cfg = Config(dict(model=segmentor_cfg(2, head='RefineNetHead')))
    with pytest.raises(ValueError, match=r'model.pth: expected the weights of the model'):
        load_segmentor(cfg, path)


def test_a_config_of_one_modality_shares_and_exchanges_nothing():
    config = dict(
        type='MultimodalSegmentor',
        backbone=dict(num_modalities=3, norm_cfg=dict(num_modalities=3), fusion=dict(type='X')),
        neck=dict(type='ChannelShufflePixelShiftFusion', num_modalities=3),
        decode_head=[dict(num_modalities=3, channels=(1, 2))],
    )
    assert single_modality_config(config) == dict(
        type='MultimodalSegmentor',
        backbone=dict(num_modalities=1, norm_cfg=dict(num_modalities=1), fusion=None),
        neck=None,
        decode_head=[dict(num_modalities=1, channels=(1, 2))],
    )
    assert single_modality_config(dict(neck=dict(type='FPN')))['neck'] == dict(type='FPN')
    specs = dict(modalities=[dict(name='rgb'), dict(name='depth')])
    assert single_modality_config(specs) == specs
    assert single_modality_config(specs, 'depth') == dict(modalities=[dict(name='depth')])
