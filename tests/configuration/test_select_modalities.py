import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from mmamf.configuration import select_modalities

CONFIGS = Path(__file__).parents[2] / 'configs' / 'amf'
THREE = CONFIGS / 'amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal.py'
TWO = CONFIGS / 'amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py'


@pytest.mark.parametrize(
    'names', [['rgb'], ['depth'], ['normal', 'rgb'], ['rgb', 'depth', 'normal']]
)
def test_the_model_is_that_of_the_subset(names):
    config = Config.fromfile(THREE)
    select_modalities(config, names)
    kept = [name for name in ('rgb', 'depth', 'normal') if name in names]
    for loader in (config.train_dataloader, config.val_dataloader):
        assert [spec.name for spec in loader.dataset.modalities] == kept
    model = MODELS.build(config.model)
    assert model.data_preprocessor.modalities == tuple(kept)
    assert model.backbone.num_modalities == model.decode_head.num_modalities == len(kept)
    x = torch.zeros(1, 3 * len(kept), 64, 64)
    assert model.decode_head(model.extract_feat(x)).shape[:2] == (1, 14)


@pytest.mark.parametrize('name', ['rgb', 'depth'])
def test_equals_the_config_of_the_single_modality(name):
    config = Config.fromfile(TWO)
    select_modalities(config, [name])
    alone = Config.fromfile(CONFIGS / f'amf_r18_refinenet_1xb4-adamw-2400_rooms-160x120_{name}.py')
    alone.model.backbone.fusion = config.model.backbone.fusion  # of one modality it is nothing
    assert config.model == alone.model
    datasets = config.train_dataloader.dataset, alone.train_dataloader.dataset
    assert datasets[0].modalities == datasets[1].modalities


def make_config(**spec):
    load = dict(
        type='LoadMultimodalImages',
        modalities=dict(rgb=dict(channels=3, dtype='uint8'), depth=dict(channels=1, **spec)),
    )
    pipeline = [
        load,
        dict(type='RandomResize', scale=(64, 64), keep_ratio=True),
        dict(type='PhotoMetricDistortion'),
        dict(type='LowLight', modality='rgb'),
        dict(type='ModalityDropout', prob=dict(rgb=0.1, depth=0.2)),
    ]
    inner = dict(
        type='MultimodalSegDataset',
        modalities=['rgb', 'depth'],
        optional=['rgb', 'depth'],
        pipeline=copy.deepcopy(pipeline),
    )
    names = ('rgb', 'depth')
    return Config(
        dict(
            model=dict(
                data_preprocessor=dict(modalities=[dict(name=name, channels=1) for name in names]),
                backbone=dict(num_modalities=2, bands=[3, 1], norm_cfg=dict(num_modalities=2)),
                decode_head=dict(num_modalities=2),
                auxiliary_head=[dict(num_modalities=2)],
            ),
            train_dataloader=dict(dataset=dict(type='RepeatDataset', times=2, dataset=inner)),
            tta_pipeline=pipeline,
        )
    )


def test_wrapped_data_sets_bands_and_dropout():
    config = make_config(dtype='uint16', missing=0)
    select_modalities(config, ['depth'])
    assert config.model.backbone == dict(
        num_modalities=1, bands=[1], norm_cfg=dict(num_modalities=1)
    )
    assert config.model.data_preprocessor.in_channels == 1
    assert config.model.auxiliary_head[0].num_modalities == 1
    dataset = config.train_dataloader.dataset.dataset
    assert dataset.modalities == dataset.optional == ['depth']
    for pipeline in (dataset.pipeline, config.tta_pipeline):
        assert [step.type for step in pipeline] == [
            'LoadMultimodalImages',
            'RandomResize',
            'PhotoMetricDistortion',
            'ModalityDropout',
        ]
        assert pipeline[3].prob == dict(depth=0.2)


def test_pipelines_of_color_stay():
    config = make_config(dtype='uint16', missing=0)
    before = copy.deepcopy(config.tta_pipeline)
    select_modalities(config, ['rgb'])
    assert config.tta_pipeline[:4] == before[:4]


@pytest.mark.parametrize('names', [[], ['thermal'], ['rgb', 'rgb']])
def test_unknown_names(names):
    with pytest.raises(ValueError, match=r"expected some of \['rgb', 'depth'\], each once, got"):
        select_modalities(make_config(dtype='uint16'), names)


def test_another_kind_of_config():
    with pytest.raises(ValueError, match='expected a config with model.data_preprocessor.modaliti'):
        select_modalities(Config(dict(model=dict(type='EncoderDecoder'))), ['rgb'])
