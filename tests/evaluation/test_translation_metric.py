import pytest
import torch

from mmamf.evaluation import TranslationMetric


def test_by_hand(make_translated, evaluate):
    """Errors of 51 of 255 are 0.4 in -1..1."""
    truth = torch.full((3, 3, 4, 5), 100.0)
    near, far = truth + 51, truth.clone()
    far[0] -= 51  # one image of three
    far[1, 0] += 102  # one channel of another
    metrics = evaluate(TranslationMetric(), make_translated(truth, truth, near=near, far=far))
    assert metrics == pytest.approx(
        {
            'MAE': 0,
            'MSE': 0,
            'near/MAE': 10 * 0.4,
            'near/MSE': 10 * 0.16,
            'far/MAE': 10 * (0.4 + 0.8 / 3) / 3,
            'far/MSE': 10 * (0.16 + 0.64 / 3) / 3,
        }
    )
    assert list(metrics) == [p + k for p in ('', 'near/', 'far/') for k in ('MAE', 'MSE')]
    assert all(type(value) is float for value in metrics.values())


def test_range_of_the_paper(make_translated, evaluate):
    """Black for white is the largest error: 2 in -1..1."""
    truth = torch.zeros(1, 3, 2, 2)
    metrics = evaluate(TranslationMetric(), make_translated(truth, truth + 255))
    assert metrics == pytest.approx(dict(MAE=20, MSE=40))


@pytest.mark.parametrize('batch_size', [1, 3, 5])
def test_batches_do_not_matter(make_translated, evaluate, batch_size):
    images = torch.rand(3, 5, 3, 6, 7, generator=torch.Generator().manual_seed(0)) * 255
    samples = make_translated(images[0], images[1], rgb=images[2])
    metrics = evaluate(TranslationMetric(prefix='val'), samples, batch_size)
    error = (images[1] - images[0]) / 127.5
    assert metrics['val/MAE'] == pytest.approx(10 * error.abs().mean().item())
    assert metrics['val/MSE'] == pytest.approx(10 * error.square().mean().item())


def test_padded_samples_do_not_count(make_translated):
    """The last batches of a distributed run repeat the first samples."""
    truth = torch.zeros(3, 3, 4, 4)
    samples = make_translated(truth, torch.tensor([0.0, 0, 255]).view(3, 1, 1, 1) + truth)
    metric = TranslationMetric()
    metric.process({}, [sample.to_dict() for sample in [*samples, samples[0]]])
    assert metric.evaluate(3)['MAE'] == pytest.approx(20 / 3)


@pytest.mark.parametrize(
    ('key', 'image', 'message'),
    [
        (
            'gt_img',
            None,
            '0.png: expected an image in `gt_img` .*PackTranslationInputs.*, got none',
        ),
        ('fake_img', None, '0.png: expected an image in `fake_img` .from the model., got none'),
        ('gt_img', torch.ones(1, 4, 5), r'`gt_img` of shape \(3, H, W\), got \(1, 4, 5\)'),
        ('fake_img', torch.ones(3, 5, 4), r'`fake_img` of .* shape \(3, 4, 5\), got \(3, 5, 4\)'),
        ('fake_img_rgb', torch.ones(3, 4, 4), r'expected `fake_img_rgb` of .* got \(3, 4, 4\)'),
        ('fake_img_rgb', torch.full((3, 4, 5), torch.nan), 'finite values in `fake_img_rgb`'),
    ],
)
def test_bad_samples(make_translated, evaluate, key, image, message):
    truth = torch.ones(1, 3, 4, 5)
    (sample,) = make_translated(truth, truth, rgb=truth)
    sample.pop(key)
    if image is not None:
        sample.set_data({key: image})
    with pytest.raises(ValueError, match=message):
        evaluate(TranslationMetric(), [sample])


def test_no_samples(evaluate):
    with pytest.raises(ValueError, match='expected at least one sample, got none'):
        evaluate(TranslationMetric(), [])
