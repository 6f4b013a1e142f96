"""The short value of a choice stands before its reason."""

import pytest

from mmamf.planning.choice import Choice
from mmamf.planning.rules.network import LADDER
from mmamf.planning.rules.schedule import Schedule
from mmamf.planning.rules.size import Size
from mmamf.planning.tell_choice import tell_choice


@pytest.mark.parametrize(
    'name, value, told',
    [
        ('size', Size(0.55, None, (132, 176), True), '176 x 132 px (scale 0.55)'),
        ('size', Size(1, None, (132, 176), False), 'at most 176 x 132 px (scale 1)'),
        ('size', Size(1, (64, 96), (132, 176), True), 'crops of 96 x 64 px (scale 1)'),
        ('test', dict(mode='whole'), 'whole images'),
        ('test', dict(mode='slide', crop_size=(64, 96)), 'windows of 96 x 64 px'),
        ('network', LADDER[0], 'half-width ResNet-18 with RefineNet'),
        ('weights', '', 'none'),
        ('weights', 'torchvision://resnet50', 'resnet50'),
        ('batch_size', 2, '2'),
        ('schedule', Schedule(380, 95, 40, 8), '380 iterations, validated every 95'),
        ('learning_rate', 0.0014, '0.0014'),
        ('loss', [1.0, 3.6, 10], 'weights 1, 3.6, 10'),
        ('loss', None, 'no weights'),
        ('crop', dict(type='RandomCrop', cat_max_ratio=0.75), 'RandomCrop'),
        ('sampling', 0.2, 'threshold 20 %'),
        ('sampling', None, 'none'),
        ('flips', ('horizontal', 'vertical'), 'horizontal, vertical'),
        ('flips', (), 'none'),
        ('strength', dict(scales=(0.75, 1.5), colors=True), 'scales 0.75 to 1.5 and colors'),
        ('strength', dict(scales=None, colors=False), 'flips only'),
        ('exchange_dropout', 0.5, '0.5'),
        ('exchange_dropout', 0, '0'),
        ('exchange_dropout', None, 'none'),
        ('workers', 1, '1'),
    ],
)
def test_value_before_reason(name, value, told):
    assert tell_choice(name, Choice(value, 'Because.')) == f'{told}. Because.'


def test_reasons_that_name_their_value_stay():
    assert tell_choice('modality_rgb', Choice({}, 'rgb: 9 files.')) == 'rgb: 9 files.'
