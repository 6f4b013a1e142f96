"""tools/analysis/benchmark_loading.py on a few files."""

import importlib
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS

from mmamf.benchmarks.loading import Bare

ANALYSIS = Path(__file__).resolve().parents[2] / 'tools' / 'analysis'

GEOMETRY = [
    dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=40),
    dict(type='RandomCrop', crop_size=(32, 32)),
]


@pytest.fixture
def benchmark_loading(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSIS))
    return importlib.import_module('benchmark_loading')


@pytest.fixture
def config(tiny_config, rgbd_dataset_cfg):
    """Path of a config whose training pipeline has the given geometry."""

    def make(geometry):
        path = tiny_config()
        cfg = Config.fromfile(path)
        cfg.train_dataloader.dataset = rgbd_dataset_cfg(geometry, count=8)
        with open(path, 'w') as file:
            file.write('\n'.join(f'{k} = {v!r}' for k, v in cfg.to_dict().items()))
        return path

    return make


@pytest.mark.parametrize('workers', ['0', '1'])
def test_table(benchmark_loading, config, capsys, monkeypatch, workers):
    monkeypatch.setenv('COLUMNS', '200')
    arguments = ['--samples', '8', '--repeats', '2', '--workers', workers]
    benchmark_loading.main([config(GEOMETRY), *arguments])
    said = capsys.readouterr().out
    for text in ('decode, resize, crop', 'pipeline, not sent', 'RandomScale', 'LoadLabelMap'):
        assert text in said


def test_bare_loader_scales_like_the_pipeline(config):
    cfg = Config.fromfile(config(GEOMETRY))
    source = DATASETS.build(cfg.train_dataloader.dataset)
    bare = Bare(source, resize_and_crop=True, length=4)
    # 3 bytes of color, 2 of depth and 1 of label, in crops of 32 x 32
    assert bare[1] == 32 * 32 * 6
    assert Bare(source, resize_and_crop=False, length=4)[3] == 48 * 64 * 6


@pytest.mark.parametrize('left', GEOMETRY, ids=lambda step: step['type'])
def test_a_pipeline_without_the_resize_or_the_crop(benchmark_loading, config, left):
    missing = ({step['type'] for step in GEOMETRY} - {left['type']}).pop()
    with pytest.raises(SystemExit, match=f'error: expected {missing} in the training pipeline'):
        benchmark_loading.main([config([left])])
