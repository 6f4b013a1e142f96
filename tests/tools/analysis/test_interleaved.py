"""Measurements that take turns."""

import itertools

import pytest


@pytest.fixture
def interleaved(tool):
    return tool('mmamf.benchmarks.interleaved')


def test_measurements_take_turns(interleaved):
    count = itertools.count()
    values = interleaved.take_turns(dict(a=lambda: next(count), b=lambda: next(count)), 3)
    assert values == dict(a=[0, 2, 4], b=[1, 3, 5])


def test_ratio_is_one_of_neighbors(interleaved):
    # the machine became three times slower after the first round
    assert interleaved.ratio([2.0, 6.0, 9.0], [1.0, 3.0, 3.0]) == (2.0, 2.0, 3.0)
    assert interleaved.spread([5.0, 1.0, 2.0]) == (2.0, 1.0, 5.0)
