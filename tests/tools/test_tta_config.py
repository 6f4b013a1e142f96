"""What --tta makes of the config of a data set inside others."""

import pytest
from mmengine.config import Config

from mmamf.commands.test import are_pictures, use_tta


def config_of(dataset: dict) -> Config:
    return Config(
        dict(
            model=dict(type='MultimodalSegmentor'),
            tta_model=dict(type='MultimodalTTAModel'),
            tta_pipeline=[dict(type='TestTimeAug')],
            test_dataloader=dict(dataset=dataset),
        )
    )


def test_it_reaches_all_inner_data_sets():
    inner = [dict(type='MultimodalSegDataset', pipeline=[]) for _ in range(2)]
    repeated = dict(type='RepeatDataset', times=1, dataset=inner[1])
    cfg = config_of(dict(type='ConcatDataset', datasets=[inner[0], repeated]))
    use_tta(cfg)
    outer = cfg.test_dataloader.dataset
    assert 'pipeline' not in outer and 'pipeline' not in outer.datasets[1]
    for one in (outer.datasets[0], outer.datasets[1].dataset):
        assert [step.type for step in one.pipeline] == ['TestTimeAug']


def test_mixed_images_are_refused():
    mixed = dict(type='mmseg.MultiImageMixDataset', dataset=dict(type='X'), pipeline=[])
    with pytest.raises(ValueError, match='--tta: expected a test data set that mixes no images'):
        use_tta(config_of(mixed))


@pytest.mark.parametrize(('suffix', 'expected'), [('.png', True), ('.npy', False)])
def test_pictures_inside_others(suffix, expected):
    inner = dict(type='MultimodalSegDataset', modalities=['rgb'], img_suffix=suffix)
    assert are_pictures(dict(type='ConcatDataset', datasets=[inner])) is expected
