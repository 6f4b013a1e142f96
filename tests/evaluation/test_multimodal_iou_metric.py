import logging

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample
from PIL import Image

from mmamf.evaluation import MultimodalIoUMetric

CLASSES = ('floor', 'wall', 'lamp', 'door')
META = dict(classes=CLASSES)


def make_samples(modalities: tuple, count: int = 5, used=(0, 1, 2, 3), seed: int = 0) -> list:
    """Random labels, a tenth ignored, and predictions that are right half of the time."""
    rng = np.random.default_rng(seed)
    samples = []
    for i in range(count):
        shape = (1, 8 + i, 9)
        label = rng.choice(used, shape)
        sample = SegDataSample(metainfo=dict(img_path=f'{i}.png', modalities=modalities))
        for key in ('', *(f'_{name}' for name in modalities)):
            guess = np.where(rng.random(shape) < 0.5, label, rng.choice(used, shape))
            sample.set_data({f'pred_sem_seg{key}': PixelData(data=torch.tensor(guess))})
        label[rng.random(shape) < 0.1] = 255
        sample.gt_sem_seg = PixelData(data=torch.tensor(label))
        samples.append(sample)
    return samples


def reference(samples: list, key: str) -> dict[str, float]:
    """PixAcc, mAcc, mIoU and IoU per class from one confusion matrix, counted pixel by pixel."""
    confusion = np.zeros((4, 4))
    for sample in samples:
        pixels = zip(
            sample.gt_sem_seg.data.flatten().tolist(),
            getattr(sample, key).data.flatten().tolist(),
            strict=True,
        )
        for label, guess in pixels:
            if label != 255:
                confusion[label, guess] += 1
    right, labeled, guessed = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    with np.errstate(invalid='ignore'):
        iou = right / (labeled + guessed - right)
        accuracy = right / labeled
    return dict(
        PixAcc=right.sum() / confusion.sum() * 100,
        mAcc=np.mean([a for a in accuracy if not np.isnan(a)]) * 100,
        mIoU=np.mean([a for a in iou if not np.isnan(a)]) * 100,
        **{f'IoU.{name}': value * 100 for name, value in zip(CLASSES, iou, strict=True)},
    )


def evaluate(samples: list, batch_size: int = 2, **kwargs) -> dict:
    metric = MultimodalIoUMetric(**kwargs)
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = META
    for start in range(0, len(samples), batch_size):
        evaluator.process(samples[start : start + batch_size])
    if not metric.format_only:
        assert len(metric.results) == len(samples)
    return evaluator.evaluate(len(samples))


@pytest.mark.parametrize('used', [(0, 1, 2, 3), (0, 3), (2,)], ids=['all', 'some absent', 'one'])
@pytest.mark.parametrize('modalities', [(), ('rgb',), ('rgb', 'depth'), ('z', 'rgb', 'depth')])
def test_equals_naive_confusion_matrix(modalities, used):
    samples = make_samples(modalities, used=used)
    metrics = evaluate(samples)
    expected = reference(samples, 'pred_sem_seg')
    for name in modalities:
        values = reference(samples, f'pred_sem_seg_{name}')
        expected.update({f'{name}/{key}': value for key, value in values.items()})
    assert set(metrics) == set(expected)
    assert all(type(value) is float for value in metrics.values())
    assert metrics == pytest.approx(expected, nan_ok=True)
    assert np.isnan(metrics['IoU.wall']) == (1 not in used)


def test_samples_without_a_modality_do_not_count_in_its_scalars():
    samples = make_samples(('rgb', 'depth'))
    expected = reference(samples[2:], 'pred_sem_seg_depth')
    for sample in samples[:2]:
        del sample.pred_sem_seg_depth
    metrics = evaluate(samples)
    got = {k.removeprefix('depth/'): v for k, v in metrics.items() if k.startswith('depth/')}
    assert got == pytest.approx(expected, nan_ok=True)
    rest = {k: v for k, v in metrics.items() if '/' not in k}
    assert rest == pytest.approx(reference(samples, 'pred_sem_seg'), nan_ok=True)


def test_class_that_is_only_predicted_counts_as_zero():
    samples = make_samples((), used=(0, 1))
    samples[0].pred_sem_seg.data[0, 0, :] = 3
    metrics = evaluate(samples)
    assert metrics['IoU.door'] == 0 and np.isnan(metrics['IoU.lamp'])
    assert metrics['mIoU'] == pytest.approx((metrics['IoU.floor'] + metrics['IoU.wall']) / 3)
    assert metrics == pytest.approx(reference(samples, 'pred_sem_seg'), nan_ok=True)


def test_equals_stock_metric_up_to_its_rounding():
    samples = make_samples(('rgb', 'depth'))
    stock = Evaluator(IoUMetric())
    stock.dataset_meta = META
    stock.process(samples)
    stock = stock.evaluate(len(samples))
    ours = evaluate(samples)
    for mine, theirs in (('PixAcc', 'aAcc'), ('mAcc', 'mAcc'), ('mIoU', 'mIoU')):
        assert ours[mine] == pytest.approx(stock[theirs], abs=0.0051)


@pytest.mark.parametrize('batch_size', [1, 3, 5])
def test_batches_do_not_matter(batch_size):
    samples = make_samples(('rgb', 'depth'))
    assert evaluate(samples, batch_size) == pytest.approx(evaluate(samples), rel=1e-12)


def test_counts_are_exact_for_large_sets():
    """More pixels of one class than float32 counts one by one."""
    metric = MultimodalIoUMetric()
    metric.dataset_meta = META
    areas = torch.zeros(4, 4, dtype=torch.float64)
    areas[:, 0] = 2**24
    one = torch.zeros(4, 4, dtype=torch.float64)
    one[[1, 3], 0] = 1
    metrics = metric.compute_metrics([{'ensemble': areas}] + [{'ensemble': one}] * 1000)
    assert metrics['PixAcc'] == pytest.approx(100 * 2**24 / (2**24 + 1000), rel=1e-12)


@pytest.fixture
def logged(caplog):
    """What goes to the current logger from INFO on: ``logged(level)`` lists the messages."""
    logger = MMLogger.get_instance('table')
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        yield lambda level: [r.getMessage() for r in caplog.records if r.levelno == level]
    logger.removeHandler(caplog.handler)


def test_one_table_with_a_column_per_source(logged):
    metrics = evaluate(make_samples(('rgb', 'depth'), used=(0, 1, 3)))
    (text,) = logged(logging.INFO)
    rows = [
        [cell.strip() for cell in row.split('|')[1:-1]] for row in text.splitlines() if '|' in row
    ]
    assert rows[0] == ['class', 'ensemble', 'rgb', 'depth']
    assert [row[0] for row in rows[1:]] == [*CLASSES, 'mIoU', 'mAcc', 'PixAcc']
    assert rows[3] == ['lamp', 'nan', 'nan', 'nan']
    assert rows[5][1:] == [f'{metrics[key]:.2f}' for key in ('mIoU', 'rgb/mIoU', 'depth/mIoU')]
    assert rows[7][2] == f'{metrics["rgb/PixAcc"]:.2f}'


def test_no_warning_about_the_prefix_or_anything_else(logged):
    metrics = evaluate(make_samples(('rgb', 'depth')))
    assert 'mIoU' in metrics and not logged(logging.WARNING)


def test_a_modality_that_is_alone_has_one_column(logged):
    samples = make_samples(('rgb',))
    for sample in samples:
        sample.pred_sem_seg = sample.pred_sem_seg_rgb.clone()
    metrics = evaluate(samples)
    assert metrics['rgb/mIoU'] == metrics['mIoU']
    (text,) = logged(logging.INFO)
    assert [cell.strip() for cell in text.splitlines()[2].split('|')[1:-1]] == ['class', 'rgb']
    samples[0].pred_sem_seg_rgb.data = torch.zeros_like(samples[0].pred_sem_seg.data)
    evaluate(samples)
    assert 'ensemble' in logged(logging.INFO)[1]


@pytest.mark.parametrize('beta', [1, 2])
def test_dice_and_f_score_beside_iou(beta, logged):
    samples = make_samples(('rgb', 'depth'))
    names = ['mIoU', 'mDice', 'mFscore']
    metrics = evaluate(samples, iou_metrics=names, beta=beta)
    assert metrics.items() >= evaluate(samples).items()
    for name in ('rgb', 'depth', None):
        prefix = f'{name}/' if name else ''
        if name:
            for sample in samples:
                sample.pred_sem_seg = sample.get(f'pred_sem_seg_{name}').clone()
        else:
            samples = make_samples(('rgb', 'depth'))
        stock = Evaluator(IoUMetric(iou_metrics=names, beta=beta))
        stock.dataset_meta = META
        stock.process(samples)
        for key, value in stock.evaluate(len(samples)).items():
            if key != 'aAcc':
                assert metrics[prefix + key] == pytest.approx(value, abs=0.0051), key
        for key in ('Dice', 'Fscore', 'Precision', 'Recall'):
            values = [metrics[f'{prefix}{key}.{name}'] for name in CLASSES]
            assert metrics[f'{prefix}m{key}'] == pytest.approx(np.mean(values))
    if beta == 1:  # the same by another way
        assert metrics['rgb/Fscore.lamp'] == pytest.approx(metrics['rgb/Dice.lamp'])
    assert all(heading in logged(logging.INFO)[0] for heading in ('Dice (%)', 'mPrecision'))


def test_one_metric_by_its_name_alone():
    metrics = evaluate(make_samples(('rgb',)), iou_metrics='mDice')
    assert {'mIoU', 'mDice', 'rgb/Dice.wall'} <= set(metrics) and 'mFscore' not in metrics


def test_class_that_is_never_predicted_counts_in_the_f_score():
    samples = make_samples((), used=(0, 1))
    for sample in samples:
        sample.pred_sem_seg.data[:] = 0
    metrics = evaluate(samples, iou_metrics='mFscore')
    assert metrics['Fscore.wall'] == metrics['Recall.wall'] == 0
    assert np.isnan(metrics['Precision.wall']) and np.isnan(metrics['Fscore.lamp'])
    assert metrics['mFscore'] == pytest.approx(metrics['Fscore.floor'] / 2)
    assert evaluate(samples, iou_metrics='mFscore', nan_to_num=7)['Fscore.lamp'] == 700


def test_collapse_is_a_warning_for_each_source(logged):
    samples = make_samples(('rgb', 'depth', 'heat'), used=(0, 1, 3))
    for sample in samples:
        sample.pred_sem_seg.data[:] = 0
        sample.pred_sem_seg_depth.data[:] = 2
    samples[0].pred_sem_seg_heat.data[samples[0].pred_sem_seg_heat.data == 1] = 0
    evaluate(samples[:1])
    (text,) = logged(logging.WARNING)
    assert text.splitlines() == [
        'ensemble: only 1 of 3 classes is ever predicted: floor; never, though the labels have '
        'them: wall, door',
        'depth: none of 3 classes is ever predicted; never, though the labels have them: floor, '
        'wall, door',
        'heat: only 2 of 3 classes are ever predicted: floor, door; never, though the labels have '
        'them: wall',
    ]


def test_prefix_and_nan_to_num():
    metrics = evaluate(make_samples(('rgb',), used=(0, 1)), prefix='val', nan_to_num=0)
    assert metrics['val/IoU.lamp'] == metrics['val/rgb/IoU.lamp'] == 0


@pytest.mark.parametrize('format_only', [True, False])
def test_saves_the_prediction_of_the_ensemble(tmp_path, format_only):
    samples = make_samples(('rgb', 'depth'), count=2)
    if format_only:
        for sample in samples:
            del sample.gt_sem_seg
    metrics = evaluate(samples, output_dir=str(tmp_path), format_only=format_only)
    assert (metrics == {}) == format_only
    for i, sample in enumerate(samples):
        saved = np.array(Image.open(tmp_path / f'{i}.png'))
        np.testing.assert_array_equal(saved, sample.pred_sem_seg.data[0])


def test_bad_input():
    (sample,) = make_samples(('rgb',), count=1)
    with pytest.raises(ValueError, match="iou_metrics: expected some of .*, got 'mdice'"):
        MultimodalIoUMetric(iou_metrics='mdice')
    with pytest.raises(ValueError, match='expected an output_dir with format_only=True'):
        MultimodalIoUMetric(format_only=True)
    sample.pred_sem_seg = PixelData(data=torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match=r'0.png: expected a prediction .* \(8, 9\), got \(4, 4\)'):
        evaluate([sample])
    del sample.gt_sem_seg
    with pytest.raises(ValueError, match='0.png: expected a label map in `gt_sem_seg`, got none'):
        evaluate([sample])
    with pytest.raises(ValueError, match='expected at least one sample, got none'):
        evaluate([])


def test_model_of_other_classes_is_refused():
    samples = make_samples(('rgb',), count=1)
    samples[0].seg_logits = PixelData(data=torch.zeros(6, *samples[0].pred_sem_seg.shape))
    with pytest.raises(ValueError, match='a model of 4 classes, .* got one of 6'):
        evaluate(samples)


def test_masks_hold_the_indices_of_classes(tmp_path):
    """mmseg adds 1 with reduce_zero_label, our inferencer does not."""
    (sample,) = make_samples((), count=1)
    sample.set_metainfo(dict(reduce_zero_label=True))
    evaluate([sample], output_dir=str(tmp_path))
    saved = np.array(Image.open(tmp_path / '0.png'))
    np.testing.assert_array_equal(saved, sample.pred_sem_seg.data[0])


def test_samples_of_sub_folders_do_not_overwrite_each_other(tmp_path):
    samples = make_samples(('rgb',), count=3)
    for sample, name in zip(samples, ('a/1', 'b/1', '2'), strict=True):
        sample.set_metainfo(dict(sample_name=name, img_path=f'rgb/{name}.jpg'))
    evaluate(samples, output_dir=str(tmp_path))
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*.png'))
    assert found == ['2.png', 'a/1.png', 'b/1.png']
    saved = np.array(Image.open(tmp_path / 'b' / '1.png'))
    np.testing.assert_array_equal(saved, samples[1].pred_sem_seg.data[0])


@pytest.mark.parametrize('ignore_index', [0, 2, 77])
def test_ignores_255_and_its_own_index(ignore_index):
    samples = make_samples(('rgb',))
    found = evaluate(samples, ignore_index=ignore_index)
    for sample in samples:
        label = sample.gt_sem_seg.data
        sample.gt_sem_seg.data = torch.where(label == ignore_index, 255, label)
    for key, value in reference(samples, 'pred_sem_seg').items():
        np.testing.assert_allclose(found[key], value, err_msg=key)
