"""The numbers of the protocol against a count of every case."""

import itertools

import numpy as np
import pytest

from mmamf.evaluation.failure_protocol import (
    NOISE,
    average,
    expect,
    list_losses,
    list_noises,
    list_patterns,
    name_tests,
)
from mmamf.structures import read_modalities

NAMES = ('rgb', 'depth', 'event', 'lidar')
RGB = dict(name='rgb', channels=3, mean=[0] * 3, std=[58.0, 57.0, 56.0], bgr_to_rgb=True)
DEPTH = dict(name='depth', channels=1, mean=2.5, std=1.5, scale=0.001)
MRI = dict(name='mri', channels=2, calibrated=False)


def scores(count, seed=0):
    rng = np.random.default_rng(seed)
    return {pattern: rng.uniform(0, 100) for pattern in list_patterns(NAMES[:count])}


@pytest.mark.parametrize('count', [1, 2, 3, 4])
def test_patterns_are_all_subsets_but_the_empty_one(count):
    patterns = list_patterns(NAMES[:count])
    assert len(set(patterns)) == len(patterns) == 2**count - 1 and () not in patterns
    assert patterns[0] == NAMES[:count] and patterns[-1] == NAMES[count - 1 : count]
    assert [*map(len, patterns)] == sorted(map(len, patterns), reverse=True)


@pytest.mark.parametrize('count', [1, 2, 3, 4])
@pytest.mark.parametrize('p', [0.0, 0.05, 0.3, 0.9])
def test_expectation_over_all_outcomes(count, p):
    """Every outcome of M independent draws; the one in which all fail is no case."""
    given = scores(count)
    total = weight = 0
    for fails in itertools.product([True, False], repeat=count):
        intact = tuple(name for name, failed in zip(NAMES, fails) if not failed)
        if intact:
            probability = np.prod([p if failed else 1 - p for failed in fails])
            total += probability * given[intact]
            weight += probability
    assert expect(given, p) == pytest.approx(total / weight)
    assert weight == pytest.approx(1 - p**count)


def test_expectation_of_draws():
    given = scores(3)
    intact = np.random.default_rng(1).random((200_000, 3)) >= 0.4
    values = [given[tuple(itertools.compress(NAMES, row))] for row in intact if row.any()]
    assert expect(given, 0.4) == pytest.approx(np.mean(values), abs=0.3)


@pytest.mark.parametrize('count', [1, 2, 4])
def test_average_and_limits(count):
    given = scores(count)
    assert average(given) == pytest.approx(np.mean([*given.values()]))
    assert expect(given, 0) == given[NAMES[:count]]
    assert expect(given, 0.5) == pytest.approx(average(given))  # all patterns are as likely
    alone = np.mean([given[name,] for name in NAMES[:count]])
    assert expect(given, 1 - 1e-9) == pytest.approx(alone)


def test_score_that_is_none():
    given = scores(2) | {('rgb',): None}
    assert average(given) is None and expect(given, 0.1) is None


@pytest.mark.parametrize('p', [-0.1, 1, 1.5])
def test_wrong_probability(p):
    with pytest.raises(ValueError, match=f'expected 0 <= probability < 1, got {p}'):
        expect(scores(2), p)


@pytest.mark.parametrize(
    'given', [{}, {('a', 'b'): 1.0, ('a',): 2.0}, {(): 1.0}, {('a',): 1.0, ('b',): 2.0}], ids=str
)
def test_pattern_without_score(given):
    for number in (average, lambda scores: expect(scores, 0.1)):
        with pytest.raises(ValueError, match='expected a score of each of the patterns .*, got'):
            number(given)


def test_losses_of_three():
    tests = dict(list_losses(['a', 'b', 'c']))
    assert list(tests)[:6] == [
        f'rmm/0.25 of {failed}' for failed in ('c', 'b', 'a', 'b+c', 'a+c', 'a+b')
    ]
    assert len(tests) == 3 * 6
    assert tests['rmm/0.75 of a+c'] == [
        dict(type='LostReadings', modality=name, share=0.75) for name in 'ac'
    ]
    assert name_tests(['a', 'b'], 0.5) == {
        ('a', 'b'): 'a+b',
        ('a',): 'rmm/0.5 of b',
        ('b',): 'rmm/0.5 of a',
    }
    assert list(name_tests(['a', 'b']).values()) == ['a+b', 'a', 'b']


def test_noise_is_in_units_of_the_normalized_input():
    tests = dict(list_noises(read_modalities([RGB, DEPTH, MRI])))
    assert list(tests) == ['nm/low', 'nm/middle', 'nm/high']
    for steps, (share, deviation) in zip(tests.values(), NOISE.values()):
        salt, noise = steps[::2], steps[1::2]
        assert [step['modality'] for step in salt] == ['rgb', 'depth', 'mri']
        assert all(step['share'] == share and 'seed' not in step for step in salt)
        assert all(step['seed'] == 1 for step in noise)
        stds = {step['modality']: step['std'] for step in noise}
        assert stds['rgb'] == pytest.approx([deviation * v for v in (56, 57, 58)])  # as in memory
        assert stds['depth'] == pytest.approx([deviation * 1500])  # mm
        assert stds['mri'] == [deviation] * 2  # the loader normalizes it
