from collections import Counter

import numpy as np
import pytest

from mmamf.datasets.transforms import ModalityDropout

NAMES = ('rgb', 'depth', 'normal')


def make_sample(present: tuple[str, ...] = NAMES) -> dict:
    images = dict(
        img=np.full((4, 5, 3), 7, np.uint8),
        modality_depth=np.full((4, 5), 9, np.uint16),
        modality_normal=np.full((4, 5, 3), 3, np.uint8),
    )
    return dict(modalities=NAMES, present=present, **images)


@pytest.mark.parametrize(
    ('prob', 'kept'),
    [
        (dict(depth=1), ('rgb', 'normal')),
        (dict(rgb=1.0, normal=1.0), ('depth',)),
        (dict(depth=0.0), NAMES),
        ({}, NAMES),
    ],
)
def test_what_is_dropped_is_zero_and_not_present(prob, kept):
    results = ModalityDropout(prob)(make_sample())
    assert results['present'] == kept
    for name, key in zip(NAMES, ('img', 'modality_depth', 'modality_normal')):
        expected = make_sample()[key]
        np.testing.assert_array_equal(results[key], expected if name in kept else 0 * expected)
        assert results[key].dtype == expected.dtype


def test_probabilities_given_that_one_remains():
    np.random.seed(0)
    dropout = ModalityDropout(dict(rgb=0.5, depth=0.5))
    sample = make_sample(('rgb', 'depth'))
    counts = Counter(dropout(dict(sample))['present'] for _ in range(3000))
    assert set(counts) == {('rgb',), ('depth',), ('rgb', 'depth')}
    assert all(abs(count - 1000) < 100 for count in counts.values())


def test_what_was_absent_stays_absent_and_the_last_is_never_dropped():
    np.random.seed(0)
    dropout = ModalityDropout(dict(rgb=0.9, depth=0.9, normal=0.9))
    for _ in range(50):
        assert dropout(make_sample(('depth',)))['present'] == ('depth',)


@pytest.mark.parametrize(
    ('prob', 'results', 'message'),
    [
        (dict(thermal=0.5), make_sample(), r"among \('rgb', .* got \['thermal'\]"),
        (
            dict(depth=1.0),
            make_sample(('depth',)),
            "one of the modalities .'depth',. of the sample",
        ),
        (dict(depth=0.5), dict(img=1), 'expected images loaded by LoadMultimodalImages'),
    ],
)
def test_bad_samples(prob, results, message):
    with pytest.raises(ValueError, match=message):
        ModalityDropout(prob)(results)


@pytest.mark.parametrize('value', [-0.1, 1.5])
def test_bad_probability(value):
    with pytest.raises(ValueError, match="a probability of 0 to 1 for 'depth', got"):
        ModalityDropout(dict(depth=value))
