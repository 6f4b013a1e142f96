import copy
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmamf.configuration import select_modalities
from mmamf.weights import check_config, check_phases

CONFIG = (
    Path(__file__).parents[2] / 'configs/amf/amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py'
)


@pytest.fixture
def config():
    config = Config.fromfile(CONFIG)
    config.model.data_preprocessor.modalities[1].fill = 0  # also compared where both say it
    return config


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


def _other_calibration(config):
    modality = config.model.data_preprocessor.modalities[1]
    for key in ('mean', 'std', 'scale', 'fill'):
        modality.pop(key, None)
    modality.calibrated = False


def _no_fusion(config):
    config.model.backbone.fusion = None


def _other_fusion(config):
    config.model.backbone.fusion = dict(type='ConcatenationFusion')


def _other_argument(config):
    config.model.backbone.fusion_stages = (0, 1)


def _other_head(config):
    config.model.decode_head.head.widths = (64, 32, 32, 16)


def _other_channels(config):
    _files(config, 'test_dataloader')['rgb'].channels = [0, 1, 2]


def _other_missing(config):
    _files(config, 'test_dataloader')['depth'].missing = [0, 65535]


def _zero_reduced(config):
    config.test_dataloader.dataset.reduce_zero_label = True


def _files(config, loader):
    """Descriptions of the modalities, of the loader alone: bases share theirs."""
    config[loader] = copy.deepcopy(config[loader])
    return {spec.name: spec for spec in config[loader].dataset.modalities}


def _one_modality(config):
    select_modalities(config, ['rgb'])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (_swap, r"modalities: \['rgb', 'depth'\] in the checkpoint, \['depth', 'rgb'\] in the"),
        (_other_mean, r"modality 'depth': mean: \[2.5\] in the checkpoint, \[3.0\] in the config"),
        (_other_scale, r"modality 'depth': scale: 0.001 in the checkpoint, 1.0 in the config"),
        (_other_order, r"modality 'rgb': bgr_to_rgb: True in the checkpoint, False in the config"),
        (_other_fill, r"modality 'depth': fill: \[0\] in the checkpoint, \[500\] in the con"),
        (_other_calibration, r"'depth': calibrated: True in the checkpoint, False in the config"),
        (_no_fusion, r'model.backbone.fusion: .*ShiftFusion.* in the checkpoint, None in the con'),
        (_other_fusion, r'model.backbone.fusion: .*ShiftFusion.*, .*ConcatenationFusion'),
        (_other_argument, r'model.backbone.fusion_stages: \(0, 1, 2, 3\) in the checkpoint, .0, 1'),
        (_other_head, r'model.decode_head.head.widths: .* in the checkpoint'),
        (
            _other_channels,
            r"'rgb': channels of the files, .*: \[0, 1, 2\] in .*, \[2, 1, 0\] in",
        ),
        (_other_missing, r"'depth': missing values: \[0.0\] in .*, \[0.0, 65535.0\] in the config"),
        (_zero_reduced, r'reduce_zero_label: False in the checkpoint, True in the config'),
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


def test_the_same_channels_in_other_words(config, content):
    """As blue, green, red from the file, which nothing turns any more."""
    for spec in _files(config, 'test_dataloader'), _files(config, 'train_dataloader'):
        spec['rgb'].update(channels=[0, 1, 2], bgr_to_rgb=False)
    config.model.data_preprocessor.modalities[0].update(channels=[0, 1, 2], bgr_to_rgb=False)
    check_config(content, config, 'iter_1.pth')


@pytest.mark.parametrize('nan', [float('nan'), 'nan'])
def test_nan_is_always_missing(config, content, nan):
    _files(config, 'test_dataloader')['depth'].missing = [0, nan]
    config.test_dataloader.dataset.reduce_zero_label = False
    check_config(content, config, 'iter_1.pth')


def test_arrays_are_not_bgr(config, content):
    _files(config, 'test_dataloader')['rgb'].suffix = '.npy'
    with pytest.raises(ValueError, match=r"'rgb': channels of the files.* \[2, 1, 0\] in the conf"):
        check_config(content, config, 'iter_1.pth')


def test_files_described_where_they_are_loaded_are_the_same(config, content):
    for name in ('train_dataloader', 'test_dataloader'):
        files = _files(config, name)
        dataset = config[name].dataset
        dataset.modalities = ['rgb', 'depth']
        dataset.pipeline[0].modalities = {
            key: dict(channels=spec.channels, dtype=spec.dtype, missing=spec.get('missing'))
            for key, spec in files.items()
        }
    check_config(content, config, 'iter_1.pth')


def test_validation_reads_files_as_training_does(config, monkeypatch):
    said = []
    module = sys.modules['mmamf.weights.check_config']  # the package has the function by that name
    monkeypatch.setattr(module, 'print_log', lambda text, *_: said.append(text))
    check_phases(config, ('a', 'b'), ('a', 'b'))
    check_phases(config, None, ('a', 'b'))
    assert not said
    _files(config, 'val_dataloader')['depth'].missing = None
    check_phases(config, ('a', 'b'), ('a', 'b'))
    (text,) = said
    assert 'missing values: [0.0] in train_dataloader, [] in val_dataloader' in text


def test_classes_of_validation():
    with pytest.raises(ValueError, match=r"the same order, got \('a', 'b'\) and \('b', 'a'\)"):
        check_phases({}, ('a', 'b'), ('b', 'a'))
