import copy
from pathlib import Path

import pytest
from mmengine.config import Config

from mmamf.configuration import select_modalities
from mmamf.weights import check_config

CONFIG = Path(__file__).parents[2] / 'configs/amf/amf_r18_refinenet_1xb4-1200_rooms-160x120.py'


@pytest.fixture
def config():
    return Config.fromfile(CONFIG)


@pytest.fixture
def content(config):
    meta = dict(cfg=config.pretty_text, dataset_meta=dict(classes=('a', 'b')))
    return dict(meta=meta, state_dict={})


def _swap(config):
    config.model.data_preprocessor.modalities.reverse()


def _other_mean(config):
    config.model.data_preprocessor.modalities[1].mean = [3.0]


def _other_scale(config):
    config.model.data_preprocessor.modalities[1].scale = 1.0


def _other_order(config):
    config.model.data_preprocessor.modalities[0].bgr_to_rgb = False


def _other_fill(config):
    config.model.data_preprocessor.modalities[1].fill = 500


def _no_fusion(config):
    config.model.backbone.fusion = None


def _other_fusion(config):
    config.model.backbone.fusion = dict(type='ConcatenationFusion')


def _other_argument(config):
    config.model.backbone.fusion.shift = False


def _other_head(config):
    config.model.decode_head.head.widths = (64, 32, 32, 16)


def _one_modality(config):
    select_modalities(config, ['rgb'])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (_swap, r"modalities: \['rgb', 'depth'\] in the checkpoint, \['depth', 'rgb'\] in the"),
        (_other_mean, r"modality 'depth': mean: \[2.5\] in the checkpoint, \[3.0\] in the config"),
        (_other_scale, r"modality 'depth': scale: 0.001 in the checkpoint, 1.0 in the config"),
        (_other_order, r"modality 'rgb': bgr_to_rgb: True in the checkpoint, False in the config"),
        (_other_fill, r"modality 'depth': fill: 0 in the checkpoint, 500 in the config"),
        (_no_fusion, r'model.backbone.fusion: .*ShiftFusion.* in the checkpoint, None in the con'),
        (_other_fusion, r'model.backbone.fusion: .*ShiftFusion.*, .*ConcatenationFusion'),
        (_other_argument, r'model.backbone.fusion.shift: 1 in the checkpoint, False in'),
        (_other_head, r'model.decode_head.head.widths: .* in the checkpoint'),
        (_one_modality, r"modalities: \['rgb', 'depth'\] in the checkpoint, \['rgb'\] in the con"),
    ],
)
def test_a_contradiction_names_both_values_and_the_option(config, content, change, message):
    change(config)
    with pytest.raises(ValueError, match=f'iter_1.pth: .*differ.*{message}') as error:
        check_config(content, config, 'iter_1.pth')
    assert 'overrule with --allow-different-config' in str(error.value)


def test_classes(config, content):
    check_config(content, config, 'iter_1.pth', ('a', 'b'))
    with pytest.raises(ValueError, match=r"classes: \('a', 'b'\) in the checkpoint, \('b', 'a'\)"):
        check_config(content, config, 'iter_1.pth', ('b', 'a'))


def test_overruled(config, content, caplog):
    _no_fusion(config)
    check_config(content, config, 'iter_1.pth', allow_different=True)


def test_what_does_not_matter(config, content):
    config = copy.deepcopy(config)
    config.model.backbone.update(init_cfg=None, with_cp=True, norm_eval=False)
    config.model.backbone.norm_cfg = dict(type='ModalitySpecificBN')
    config.model.decode_head.head.loss_decode = dict(type='DiceLoss')
    config.train_cfg.max_iters = 7
    config.val_dataloader.batch_size = 1
    config.model = dict(type='MultimodalTTAModel', module=config.model)
    check_config(content, config, 'iter_1.pth', ('a', 'b'))


def test_the_shared_default_is_the_same_as_saying_it(config, content):
    config.model.backbone.fused_blocks = 'last'
    check_config(content, config, 'iter_1.pth')


@pytest.mark.parametrize('content', [{}, dict(meta=dict(cfg='import os'))])
def test_nothing_to_compare_with(config, content):
    check_config(content, config, 'iter_1.pth')
