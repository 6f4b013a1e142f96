import json

import numpy as np
import pytest
from PIL import Image

from mmamf.visualization import plot_fusion_diagnosis, read_fusion_diagnosis
from mmamf.visualization.fusion_diagnosis import MAX_LABELS, _shorten


@pytest.fixture
def write_run(tmp_path):
    """Writer of one run's scalars: ``write_run('1', [record, ...])``."""

    def write(time: str, records: list[dict]) -> None:
        folder = tmp_path / time / 'vis_data'
        folder.mkdir(parents=True)
        lines = ''.join(json.dumps(record) + '\n' for record in records)
        (folder / 'scalars.json').write_text(lines)

    return write


def weights(step: int, value: float, layers: int = 1) -> dict:
    record = {'fusion/alpha/rgb': value, 'fusion/alpha/depth': 1 - value}
    record |= {f'fusion/divergence/net.{i}.bn': value / (i + 1) for i in range(layers)}
    return record | dict(iter=step, step=step)


def shares(step: int, value: float, points: int = 1) -> dict:
    record = {'fusion/agreement/net.0.conv': 0.3}
    for i in range(points):
        record |= {f'fusion/share/net.{i}/enter': 0.0, f'fusion/share/net.{i}/leave': value}
    return record | dict(iter=step, step=step)


def test_runs_are_joined_and_sorted_by_kind(tmp_path, write_run):
    write_run('1', [weights(0, 0.5), {'loss': 2.0, 'iter': 5, 'step': 5}, weights(10, 0.6)])
    write_run('2', [weights(10, 0.7), shares(10, 0.2), {'mIoU': 50.0, 'step': 10}])
    assert read_fusion_diagnosis(tmp_path) == dict(
        alpha={'rgb': [(0, 0.5), (10, 0.7)], 'depth': [(0, 0.5), (10, 1 - 0.7)]},
        divergence={'net.0.bn': [(0, 0.5), (10, 0.7)]},
        share={'net.0/enter': [(10, 0.0)], 'net.0/leave': [(10, 0.2)]},
        agreement={'net.0.conv': [(10, 0.3)]},
    )


def test_training_without_the_hook_is_named(tmp_path, write_run):
    with pytest.raises(FileNotFoundError, match='expected the scalars of a training'):
        read_fusion_diagnosis(tmp_path)
    write_run('1', [{'loss': 1.0, 'iter': 1, 'step': 1}])
    with pytest.raises(ValueError, match='expected scalars fusion/alpha/..., .* found none'):
        plot_fusion_diagnosis(tmp_path, tmp_path / 'figure.png')


@pytest.mark.parametrize(
    'records',
    [
        [weights(0, 0.0)],
        [shares(7, 0.0, points=12)],
        [weights(10 * i, 0.5 + i / 100, layers=2) for i in range(30)] + [shares(290, 0.3)],
        [weights(i, 0.5, layers=3 * MAX_LABELS) for i in range(3)],
    ],
    ids=['start', 'shares', 'all', 'deep'],
)
def test_picture_is_drawn_from_whatever_there_is(tmp_path, write_run, records):
    write_run('1', records)
    plot_fusion_diagnosis(tmp_path, tmp_path / 'new' / 'figure.png')
    picture = np.asarray(Image.open(tmp_path / 'new' / 'figure.png').convert('RGB'))
    for color in ((0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E)):  # rgb and depth
        drawn = (picture == color).all(-1).sum() > 100
        assert drawn == ('fusion/alpha/rgb' in records[0])


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        (['net.layer1.1.fusion', 'net.layer2.1.fusion'], ['layer1', 'layer2']),
        (['net.layer1.1.fusion', 'net.layer2.3.fusion'], ['layer1.1', 'layer2.3']),
        (['generator.fusions.0', 'generator.fusions.1'], ['fusions.0', 'fusions.1']),
        (['net.bn1', 'head.bn'], ['net.bn1', 'head.bn']),
        (['neck'], ['neck']),
    ],
)
def test_labels_have_what_tells_them_apart(names, expected):
    assert _shorten(names) == expected
