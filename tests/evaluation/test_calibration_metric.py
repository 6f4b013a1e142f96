"""Measures of calibration, compared with torchmetrics and with plain formulas."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torchmetrics.functional.classification import multiclass_calibration_error

from mmamf.ensemble import class_probabilities
from mmamf.evaluation import CalibrationMetric
from mmamf.evaluation.calibration_counts import BINS

K, NAMES = 4, ('rgb', 'depth')


def make_samples(count=5, classes=K, names=NAMES):
    torch.manual_seed(0)
    samples = []
    for index in range(count):
        size = (7 + index, 9)
        sample = SegDataSample(metainfo=dict(img_path=f'{index}.png', modalities=NAMES))
        for end in ('', *(f'_{name}' for name in names)):
            logits = 3 * torch.randn(classes, *size)
            data = logits.sigmoid() if classes == 1 else logits
            sample.set_data({f'seg_logits{end}': PixelData(data=data)})
        labels = torch.randint(max(classes, 2), (1, *size))
        labels[torch.rand(labels.shape) < 0.2] = 255
        sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    return samples


def measure(samples, **kwargs):
    metric = CalibrationMetric(**kwargs)
    for sample in samples:  # one by one
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(len(samples))


@pytest.mark.parametrize('classes', [1, K])
def test_equals_torchmetrics_and_the_formulas(classes):
    samples = make_samples(classes=classes)
    scalars = measure(samples)
    for source in ('', 'rgb', 'depth'):
        key = f'seg_logits_{source}' if source else 'seg_logits'
        parts = [class_probabilities(s.get(key).data).flatten(1) for s in samples]
        chances = torch.cat(parts, dim=1).T
        labels = torch.cat([s.gt_sem_seg.data.flatten() for s in samples])
        chances, labels = chances[labels != 255], labels[labels != 255]
        k = chances.shape[1]
        ece = multiclass_calibration_error(chances, labels, num_classes=k, n_bins=BINS, norm='l1')
        truth = torch.nn.functional.one_hot(labels, k)
        name = f'{source}/' if source else ''
        assert scalars[f'{name}ECE'] == pytest.approx(100 * ece.item(), rel=1e-4)
        brier = (chances - truth).square().sum(1).mean().item()
        assert scalars[f'{name}Brier'] == pytest.approx(brier, rel=1e-5)
        nll = -chances[truth.bool()].log().mean().item()
        assert scalars[f'{name}NLL'] == pytest.approx(nll, rel=1e-5)
    assert set(scalars) == {
        f'{n}{m}' for n in ('', 'rgb/', 'depth/') for m in ('ECE', 'Brier', 'NLL')
    }


def test_counts_a_modality_where_it_is():
    samples = make_samples(4)
    alone = make_samples(4)[2:]
    for sample in samples[:2]:
        del sample.seg_logits_depth
    assert measure(samples)['depth/ECE'] == pytest.approx(measure(alone)['depth/ECE'])


def test_writes_reliability_diagrams(tmp_path):
    measure(make_samples(), output_dir=tmp_path / 'new')
    assert (tmp_path / 'new' / 'reliability.png').stat().st_size > 10_000


def test_ignores_a_label_of_its_own():
    samples = make_samples()
    for sample in samples:
        labels = sample.gt_sem_seg.data
        sample.gt_sem_seg.data = labels.masked_fill(labels == 255, 3)
    expected = make_samples()
    for sample in expected:
        labels = sample.gt_sem_seg.data
        sample.gt_sem_seg.data = labels.masked_fill(labels == 3, 255)
    assert measure(samples, ignore_index=3) == measure(expected)


def broken(change):
    samples = make_samples(1)
    change(samples[0])
    return samples


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda s: s.__delattr__('gt_sem_seg'), '0.png: expected a label map in `gt_sem_seg`'),
        (
            lambda s: setattr(s, 'gt_sem_seg', PixelData(data=torch.zeros(1, 3, 3))),
            r"expected `seg_logits` of the label map's size \(3, 3\), got \(7, 9\)",
        ),
        (
            lambda s: setattr(s, 'gt_sem_seg', PixelData(data=torch.full((1, 7, 9), 4))),
            r'expected labels from 0 to 3, the classes of the model, got \[4\]',
        ),
        (
            lambda s: setattr(s, 'gt_sem_seg', PixelData(data=torch.full((1, 7, 9), 255))),
            'expected pixels with a label, got none',
        ),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        measure(broken(change))
