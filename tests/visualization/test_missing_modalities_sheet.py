from mmamf.visualization.missing_modalities_sheet import format_subsets

COLLAPSED = {'mIoU': 20.0, 'samples': 4}
CLASSES = {'IoU.sky': 60.0, 'IoU.a/b': 0.0, 'IoU.cat': 0.0, 'IoU.none': None}


def test_table_of_a_collapsed_network_shows_its_classes():
    results = {
        'rgb+depth': COLLAPSED | CLASSES | {'rgb/mIoU': 20.0, 'depth/mIoU': 1.0},
        'rgb': COLLAPSED | CLASSES | {'rgb/mIoU': 20.0},
        'depth': {'mIoU': None, 'samples': 2},
    }
    assert format_subsets(['rgb', 'depth'], results).splitlines() == [
        '| present | samples | ensemble | rgb | depth | classes found | sky | a/b | cat | none '
        '| change of the ensemble |',
        '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
        '| rgb + depth | 4 | 20.0 | 20.0 | 1.0 | 1 of 3 | 60.0 | 0.0 | 0.0 | - | +0.0 |',
        '| rgb | 4 | 20.0 | 20.0 | - | 1 of 3 | 60.0 | 0.0 | 0.0 | - | +0.0 |',
        '| depth | 2 | - | - | - | - | - | - | - | - | - |',
    ]


def test_table_of_results_without_classes():
    results = {'a+b': COLLAPSED, 'a': dict(COLLAPSED, mIoU=18.0)}
    assert format_subsets(['a', 'b'], results).splitlines()[2:] == [
        '| a + b | 4 | 20.0 | - | - | +0.0 |',
        '| a | 4 | 18.0 | - | - | -2.0 |',
    ]
