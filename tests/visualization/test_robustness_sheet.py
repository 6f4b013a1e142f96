import cv2
import pytest

from mmamf.visualization.robustness_sheet import format_robustness, plot_robustness

NOISE = dict(name='noise', title='noise on depth', unit='mm', levels=[50, 100])
DEAD = dict(name='dead', title='RGB dead', unit='', levels=[0, [1, 9]], labels=['zero', 'noise'])


def scalars(mean, rgb, depth):
    return {'mIoU': mean, 'rgb/mIoU': rgb, 'depth/mIoU': depth, 'mAcc': 1.0}


RESULTS = {
    'clean': scalars(60.0, 50.0, 55.0),
    'noise/50': scalars(58.04, 50.0, 40.0),
    'noise/100': scalars(61.0, 50.0, None),
    'dead/zero': scalars(30.0, 2.0, 55.0),
    'dead/noise': scalars(59.96, 1.0, 55.0),
}


def test_table():
    table = format_robustness([NOISE, DEAD], ['rgb', 'depth'], RESULTS).splitlines()
    assert table[0] == '| corruption | level | ensemble | rgb | depth | change of the ensemble |'
    assert table[1] == '|---|---|---:|---:|---:|---:|'
    assert table[2:] == [
        '| none |  | 60.0 | 50.0 | 55.0 | +0.0 |',
        '| noise on depth (mm) | 50 | 58.0 | 50.0 | 40.0 | -2.0 |',
        '| noise on depth (mm) | 100 | 61.0 | 50.0 | - | +1.0 |',
        '| RGB dead () | zero | 30.0 | 2.0 | 55.0 | -30.0 |',
        '| RGB dead () | noise | 60.0 | 1.0 | 55.0 | +0.0 |',
    ]


def test_table_counts_the_classes_that_are_found():
    collapsed = {'IoU.sky': 30.0, 'IoU.car': 0.0, 'IoU.cat': None}
    results = RESULTS | {
        'clean': RESULTS['clean'] | {'IoU.sky': 90.0, 'IoU.car': 0.1, 'IoU.cat': None},
        'noise/50': RESULTS['noise/50'] | collapsed,
    }
    table = format_robustness([NOISE], ['rgb'], results).splitlines()
    assert table == [
        '| corruption | level | ensemble | rgb | classes found | change of the ensemble |',
        '|---|---|---:|---:|---:|---:|',
        '| none |  | 60.0 | 50.0 | 2 of 2 | +0.0 |',
        '| noise on depth (mm) | 50 | 58.0 | 50.0 | 1 of 2 | -2.0 |',
        '| noise on depth (mm) | 100 | 61.0 | 50.0 | - | +1.0 |',
    ]


@pytest.mark.parametrize('modalities', [[], ['rgb', 'depth']])
@pytest.mark.parametrize('count', [1, 2, 5])
def test_figure_has_a_panel_for_each_corruption(tmp_path, modalities, count):
    ladder = [NOISE, DEAD, NOISE, NOISE, DEAD][:count]
    absent = {'mIoU': 30.0, 'depth/mIoU': 55.0}  # a dead modality that is absent
    results = RESULTS | {'dead/zero': absent}
    plot_robustness(ladder, modalities, results, tmp_path / 'a' / 'figure.png')
    height, width, _ = cv2.imread(str(tmp_path / 'a' / 'figure.png')).shape
    assert width == 432 * min(count, 4)
    assert height == 48 + 372 * (1 if count <= 4 else 2)
