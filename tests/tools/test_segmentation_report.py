"""tools/test.py --report: its numbers are those of the metrics, and its files are all there."""

import json

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import METRICS
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from mmamf.commands.test import report_into
from mmamf.engine.hooks import SegmentationReportHook


@pytest.fixture
def run(trained, tmp_path):
    config, checkpoint = trained(custom_hooks=[])
    cfg = Config.fromfile(config)
    cfg.update(work_dir=str(tmp_path / 'work'), load_from=checkpoint, log_level='WARNING')
    # in one of the images, depth is absent
    (tmp_path / 'rgbd' / 'depth' / '03.png').unlink()
    cfg.test_dataloader.dataset.optional = ('depth',)
    cfg.test_evaluator = [dict(type='MultimodalIoUMetric'), dict(type='CalibrationMetric')]
    report_into(cfg, str(tmp_path / 'report'))
    metrics = Runner.from_cfg(cfg).test()
    return metrics, tmp_path / 'report'


def test_numbers_and_files(run):
    metrics, folder = run
    numbers = json.loads((folder / 'report.json').read_text())
    assert numbers['images'] == dict(ensemble=8, rgb=8, depth=7)
    for source in ('ensemble', 'rgb', 'depth'):
        start = '' if source == 'ensemble' else f'{source}/'
        found = numbers['IoU'][source]
        assert found['mean'][0] == pytest.approx(metrics[f'{start}mIoU'], abs=0.01)
        assert found['class 1'][0] == pytest.approx(metrics[f'{start}IoU.class 1'], abs=0.01)
        assert found['mean'][1] < found['mean'][0] < found['mean'][2]
        for key in ('ECE', 'Brier', 'NLL'):
            assert numbers['calibration'][source][key] == pytest.approx(metrics[start + key])
    confusion = np.array(numbers['confusion'])
    iou = confusion.diagonal() / (confusion.sum(0) + confusion.sum(1) - confusion.diagonal())
    assert 100 * np.nanmean(iou) == pytest.approx(metrics['mIoU'], abs=0.01)
    assert list(numbers['ensemble_above']) == ['rgb', 'depth']
    above = numbers['ensemble_above']['rgb'][0]
    assert above == pytest.approx(metrics['mIoU'] - metrics['rgb/mIoU'], abs=0.01)
    for kind, sign in (('worst', 1), ('uncertain', -1)):
        values = [sign * value for value in numbers[kind].values()]
        assert len(values) == 6 and values == sorted(values)
    page = (folder / 'report.html').read_text()
    for name in ('confusion', 'reliability', 'worst', 'uncertain'):
        assert f'src="{name}.png"' in page
        assert (folder / f'{name}.png').stat().st_size > 5000
    assert f'{metrics["mIoU"]:.1f}' in page and 'Left out by the guard' not in page


def test_what_the_guard_left_out_is_named(tmp_path):
    import torch

    from mmamf.evaluation.calibration_counts import CalibrationCounts
    from mmamf.visualization.segmentation_report import Tested, write_report

    chances = torch.full((4, 2), 0.5)
    counts = CalibrationCounts.of(chances, torch.tensor([0, 1, 1, 0]))
    tested = dict(ensemble=Tested(['a/<b>'], [np.array([[2, 0], [3, 0]])], counts))
    ranked = dict(worst={'a/<b>': 33.3}, uncertain={'a/<b>': 1.0})
    page = write_report(
        'test', ['x', 'y'], tested, np.eye(2), ranked, dict(depth=['a/<b>']), tmp_path
    ).read_text()
    assert 'Left out by the guard' in page and '<td>depth</td><td>1</td><td>a/&lt;b&gt;' in page
    assert '<td>-</td>' in page  # class y has no pixel
    assert 'Each modality against the ensemble' not in page


def test_bad_input(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match='num_samples: expected at least 1, got 0'):
        SegmentationReportHook('out', num_samples=0)
    with pytest.raises(ValueError, match='--report: expected a segmentation config'):
        report_into(Config(dict(default_scope='mmagic')), 'out')
    monkeypatch.setattr('mmamf.engine.hooks.segmentation_report_hook.get_world_size', lambda: 2)
    with pytest.raises(ValueError, match='expected one process, because it counts all images'):
        SegmentationReportHook('out').before_test_epoch(None)


def test_the_metric_tells_what_the_guard_left_out(caplog):
    import torch
    from mmengine.structures import PixelData

    metric = METRICS.build(dict(type='MultimodalIoUMetric'))
    metric.dataset_meta = dict(classes=('x', 'y'))
    for left_out in ((), ('depth',), ('depth',), ('rgb',)):
        sample = SegDataSample(metainfo=dict(img_path='a.png', left_out=left_out))
        sample.gt_sem_seg = sample.pred_sem_seg = PixelData(data=torch.zeros(1, 4, 4).long())
        metric.process({}, [sample.to_dict()])
    metrics = metric.evaluate(4)
    assert metrics['depth/left_out'] == 50 and metrics['rgb/left_out'] == 25
    assert metrics['mIoU'] == 100
