"""What --tta makes of the config of a data set inside others."""

import importlib.util
from pathlib import Path

import pytest
from mmengine.config import Config

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'test.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('tool_test', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def config_of(dataset: dict) -> Config:
    return Config(
        dict(
            model=dict(type='MultimodalSegmentor'),
            tta_model=dict(type='MultimodalTTAModel'),
            tta_pipeline=[dict(type='TestTimeAug')],
            test_dataloader=dict(dataset=dataset),
        )
    )


def test_it_reaches_all_inner_data_sets(tool):
    inner = [dict(type='MultimodalSegDataset', pipeline=[]) for _ in range(2)]
    repeated = dict(type='RepeatDataset', times=1, dataset=inner[1])
    cfg = config_of(dict(type='ConcatDataset', datasets=[inner[0], repeated]))
    tool.use_tta(cfg)
    outer = cfg.test_dataloader.dataset
    assert 'pipeline' not in outer and 'pipeline' not in outer.datasets[1]
    for one in (outer.datasets[0], outer.datasets[1].dataset):
        assert [step.type for step in one.pipeline] == ['TestTimeAug']


def test_mixed_images_are_refused(tool):
    mixed = dict(type='mmseg.MultiImageMixDataset', dataset=dict(type='X'), pipeline=[])
    with pytest.raises(ValueError, match='--tta: expected a test data set that mixes no images'):
        tool.use_tta(config_of(mixed))


@pytest.mark.parametrize(('suffix', 'expected'), [('.png', True), ('.npy', False)])
def test_pictures_inside_others(tool, suffix, expected):
    inner = dict(type='MultimodalSegDataset', modalities=['rgb'], img_suffix=suffix)
    assert tool.are_pictures(dict(type='ConcatDataset', datasets=[inner])) is expected
