import json

import numpy as np
import pytest
from PIL import Image

from mmamf.visualization import plot_curves, read_curves


@pytest.fixture
def write_run(tmp_path):
    """Writer of one run's scalars: ``write_run('1', [record, ...], end='')``."""

    def write(time: str, records: list[dict], end: str = '') -> None:
        folder = tmp_path / time / 'vis_data'
        folder.mkdir(parents=True)
        lines = ''.join(json.dumps(record) + '\n' for record in records)
        (folder / 'scalars.json').write_text(lines + end)

    return write


def train_record(step: int, value: float, **more) -> dict:
    return {
        'lr': 0.1,
        'loss': 9.0,
        'decode.rgb.loss_ce': value,
        'decode.rgb.acc_seg': 50.0,
        'decode.depth.loss_ce': value + 1,
        'decode.ensemble.loss_ce': value + 2,
        'decode.ensemble.loss_dice': 0.5,
        'aux.loss_ce': 3.0,
        'iter': step,
        'step': step,
        **more,
    }


def val_record(step: int, value: float) -> dict:
    return {'mIoU': value, 'mAcc': 1.0, 'IoU.wall': 2.0, 'depth/mIoU': value - 1, 'step': step}


def test_loss_and_miou_are_sorted_by_source(tmp_path, write_run):
    write_run('1', [train_record(5, 2.0), train_record(10, 1.0), val_record(10, 30.0)])
    curves = read_curves(tmp_path)
    assert curves['loss'] == {
        'rgb': [(5, 2.0), (10, 1.0)],
        'depth': [(5, 3.0), (10, 2.0)],
        'ensemble': [(5, 4.5), (10, 3.5)],
    }
    assert curves['mIoU'] == {'ensemble': [(10, 30.0)], 'depth': [(10, 29.0)]}


def test_translator_has_its_l1_and_mae(tmp_path, write_run):
    train = {'rgb.loss_pixel': 2.0, 'ensemble.loss_pixel': 1.0, 'rgb.loss_gan_g': 9.0, 'loss': 12.0}
    write_run('1', [train | dict(iter=1, step=1), {'MAE': 3.0, 'rgb/MAE': 4.0, 'step': 1}])
    assert read_curves(tmp_path) == dict(
        loss={'rgb': [(1, 2.0)], 'ensemble': [(1, 1.0)]},
        MAE={'ensemble': [(1, 3.0)], 'rgb': [(1, 4.0)]},
    )
    plot_curves(tmp_path, tmp_path / 'curves.png')
    assert Image.open(tmp_path / 'curves.png').size[0] > 100


def test_stock_model_has_one_curve(tmp_path, write_run):
    write_run('1', [{'decode.loss_ce': 2.0, 'iter': 1, 'step': 1}])
    assert read_curves(tmp_path) == dict(loss={'ensemble': [(1, 2.0)]}, mIoU={})


def test_resumed_run_replaces_what_came_after_its_checkpoint(tmp_path, write_run):
    write_run('1', [train_record(step, 1.0) for step in (5, 10, 15, 20)], end='{"decode.rgb.lo')
    write_run('2', [])  # died before its first line
    write_run('3', [train_record(step, 2.0) for step in (15, 20, 25)])
    expected = [(5, 1.0), (10, 1.0), (15, 2.0), (20, 2.0), (25, 2.0)]
    assert read_curves(tmp_path)['loss']['rgb'] == expected


def test_run_that_was_started_over_replaces_all(tmp_path, write_run):
    write_run('1', [train_record(5, 1.0), val_record(5, 10.0), train_record(10, 1.0)])
    write_run('2', [train_record(5, 2.0)])
    assert read_curves(tmp_path)['loss']['rgb'] == [(5, 2.0)]
    assert read_curves(tmp_path)['mIoU'] == {}


def test_validations_between_epochs_stand_at_their_iteration(tmp_path, write_run):
    records = [train_record(40, 1.0, epoch=1), val_record(1, 10.0)]
    records += [train_record(80, 1.0, epoch=2), val_record(2, 20.0)]
    write_run('1', records)
    assert read_curves(tmp_path)['mIoU']['ensemble'] == [(40, 10.0), (80, 20.0)]


def test_missing_and_damaged_scalars_are_named(tmp_path, write_run):
    with pytest.raises(FileNotFoundError, match='expected the scalars of a training'):
        read_curves(tmp_path)
    write_run('1', [], end='not json\n{"step": 1}\n')
    with pytest.raises(ValueError, match="scalars.json, line 1: expected JSON, got 'not json'"):
        read_curves(tmp_path)


@pytest.mark.parametrize('validated', [False, True])
def test_picture_has_a_line_for_each_source(tmp_path, write_run, validated):
    records = [train_record(5 * i, 3.0 - i / 10) for i in range(1, 20)]
    write_run('1', records + [val_record(95, 40.0), val_record(100, float('nan'))] * validated)
    plot_curves(tmp_path, tmp_path / 'new' / 'curves.png')
    picture = np.asarray(Image.open(tmp_path / 'new' / 'curves.png').convert('RGB'))
    for color in ((0x22, 0x22, 0x22), (0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E)):
        assert (picture == color).all(-1).sum() > 100
