"""Intervals over images, compared with a loop over draws."""

import numpy as np
import pytest

from mmamf.evaluation.bootstrap_iou import DRAWS, bootstrap_difference, bootstrap_iou


def make_areas(count=40, classes=3, quality=0.6, seed=0):
    rng = np.random.default_rng(seed)
    union = rng.integers(50, 200, (count, classes))
    intersection = (union * np.clip(quality + 0.2 * rng.standard_normal(union.shape), 0, 1)).astype(
        int
    )
    return [np.stack(pair) for pair in zip(intersection, union)]


def test_equals_a_loop_over_the_draws():
    areas = make_areas()
    found = bootstrap_iou(areas, seed=3)
    rng = np.random.default_rng(3)
    values = []
    for weights in rng.multinomial(40, np.full(40, 1 / 40), DRAWS):
        total = sum(w * a for w, a in zip(weights, areas))
        iou = 100 * total[0] / total[1]
        values.append([*iou, iou.mean()])
    total = sum(areas)
    expected = 100 * total[0] / total[1]
    np.testing.assert_allclose([f.value for f in found], [*expected, expected.mean()])
    np.testing.assert_allclose([f.low for f in found], np.percentile(values, 2.5, 0))
    np.testing.assert_allclose([f.high for f in found], np.percentile(values, 97.5, 0))


def test_holds_the_truth_at_its_level():
    """Of many test sets, about 95 % of the intervals hold the value of all images together."""
    everything = make_areas(4000)
    total = sum(everything)
    truth = (100 * total[0] / total[1]).mean()
    found = [bootstrap_iou(everything[i : i + 40])[-1] for i in range(0, 4000, 40)]
    assert 0.88 <= np.mean([f.low <= truth <= f.high for f in found]) <= 0.99


def test_a_difference_is_paired():
    areas = make_areas()
    others = [np.stack([0.95 * a[0], a[1]]) for a in areas]
    found = bootstrap_difference(areas, others)
    alone = bootstrap_iou(areas)[-1]
    assert found.value == pytest.approx(0.05 * alone.value)
    assert 0 < found.low < found.value < found.high
    assert found.high - found.low < 0.1 * (alone.high - alone.low)


def test_classes_without_a_pixel():
    areas = [np.stack([[10, 0, 5], [20, 0, 10]]), np.stack([[10, 0, 0], [20, 0, 0]])]
    found = bootstrap_iou(areas)
    assert np.isnan(found[1].value) and np.isnan(found[1].low)
    assert found[2] == (50, 50, 50)  # in every draw that has the class
    assert found[-1] == (50, 50, 50)


def test_no_image():
    with pytest.raises(ValueError, match='expected the areas of at least one image, got none'):
        bootstrap_iou([])
