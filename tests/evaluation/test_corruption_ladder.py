from pathlib import Path

import pytest
from mmengine.registry import TRANSFORMS

from mmamf.evaluation.corruption_ladder import (
    list_tests,
    read_ladder,
    with_corruption,
    with_damaged_input,
)

SHIPPED = Path(__file__).parents[2] / 'configs' / '_base_' / 'robustness_rgbd.py'
ENTRY = dict(
    name='noise',
    title='noise on depth',
    unit='mm',
    argument='std',
    levels=[50, 100],
    transform=dict(type='GaussianNoise', modality='depth'),
)


@pytest.fixture
def written(tmp_path):
    """Path of a ladder's file."""

    def write(*entries):
        path = tmp_path / 'ladder.py'
        path.write_text(f'ladder = {list(entries)!r}')
        return path

    return write


def test_tests_in_order_with_the_level_as_argument(written):
    dead = dict(
        ENTRY,
        name='dead',
        argument='fill',
        levels=[0, (5, 9)],
        labels=['zero', 'noise'],
        transform=dict(type='DeadModality', modality='rgb'),
    )
    tests = dict(list_tests(read_ladder(written(ENTRY, dead))))
    assert tests == {
        'clean': [],
        'noise/50': [dict(type='GaussianNoise', modality='depth', std=50)],
        'noise/100': [dict(type='GaussianNoise', modality='depth', std=100)],
        'dead/zero': [dict(type='DeadModality', modality='rgb', fill=0)],
        'dead/noise': [dict(type='DeadModality', modality='rgb', fill=[5, 9])],
    }
    assert list(tests)[0] == 'clean'


@pytest.mark.parametrize(
    ('entries', 'message'),
    [
        ([], r'list `ladder` of corruptions, got \[\]'),
        ([{k: v for k, v in ENTRY.items() if k != 'unit'}], 'expected the keys .*, got'),
        ([dict(ENTRY, level=3)], "got .*'level'"),
        ([dict(ENTRY, labels=['a'])], r'noise: .*each level of \[50, 100\], got .*a'),
        ([dict(ENTRY, levels=[5, 5])], r"got \['5', '5'\]"),
        ([ENTRY, ENTRY], r"distinct names, got \['noise', 'noise'\]"),
    ],
)
def test_wrong_ladder(written, entries, message):
    with pytest.raises(ValueError, match=message):
        read_ladder(written(*entries))


def test_shipped_ladder_builds():
    tests = dict(list_tests(read_ladder(SHIPPED)))
    assert len(tests) == 37
    for steps in tests.values():
        for step in steps:
            TRANSFORMS.build(step)


def test_corruption_comes_right_behind_loading():
    steps = [dict(type=name) for name in ('Other', 'mmamf.LoadMultimodalImages', 'LoadLabelMap')]
    loader = dict(dataset=dict(pipeline=steps))
    noise = dict(type='GaussianNoise')
    given = with_corruption(loader, [noise])['dataset']['pipeline']
    assert given == [*steps[:2], noise, steps[2]]
    assert len(steps) == 3  # a copy was changed
    assert with_corruption(loader, []) == loader


@pytest.mark.parametrize('names', [[], ['LoadTranslationImages'], ['LoadMultimodalImages'] * 2])
def test_another_pipeline_is_refused(names):
    pipeline = [dict(type=name) for name in names]
    with pytest.raises(ValueError, match='expected LoadMultimodalImages once, got the steps'):
        with_corruption(dict(dataset=dict(pipeline=pipeline)), [])


def test_damaged_input_comes_right_before_packing():
    names = ('LoadMultimodalImages', 'Resize', 'mmamf.PackMultimodalSegInputs')
    steps = [dict(type=name) for name in names]
    loader = dict(dataset=dict(pipeline=steps))
    noise = dict(type='GaussianNoise')
    given = with_damaged_input(loader, [noise, noise])['dataset']['pipeline']
    assert given == [*steps[:2], noise, noise, steps[2]]
    assert len(steps) == 3  # a copy was changed
    with pytest.raises(ValueError, match='expected PackMultimodalSegInputs once, got the steps'):
        with_damaged_input(dict(dataset=dict(pipeline=steps[:2])), [])
