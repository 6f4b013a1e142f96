from mmamf.visualization.missing_modalities_sheet import (
    UNEQUAL,
    format_protocol,
    format_subsets,
)

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
        *UNEQUAL.splitlines(),
    ]


def test_table_of_results_without_classes():
    results = {'a+b': COLLAPSED, 'a': dict(COLLAPSED, mIoU=18.0)}
    assert format_subsets(['a', 'b'], results).splitlines()[2:] == [
        '| a + b | 4 | 20.0 | - | - | +0.0 |',
        '| a | 4 | 18.0 | - | - | -2.0 |',
    ]


SUBSETS = {
    'rgb+depth': dict(mIoU=60.0, samples=4),
    'rgb': dict(mIoU=30.0, samples=4),
    'depth': dict(mIoU=0.0, samples=4),
}
# by hand: (0.81 * 60 + 0.09 * 30) / 0.99 = 51.8
ABSENT = '| is absent (EMM) | 30.0 | 55.7 | 51.8 | 45.0 |'
HEAD = ['| a failed modality | mean | p = 0.05 | p = 0.1 | p = 0.2 |', '|---|---:|---:|---:|---:|']


def test_protocol_without_further_tests():
    text = format_protocol(['rgb', 'depth'], SUBSETS)
    assert text.startswith('## The protocol of arXiv 2503.18445\n')
    assert text.splitlines()[-3:] == [*HEAD, ABSENT]
    assert '(NM)' not in text


def test_protocol_with_all_tests():
    results = dict(SUBSETS)
    for share in (0.25, 0.75):  # 0.5 is not complete
        for name in ('rgb', 'depth'):
            results[f'rmm/{share} of {name}'] = dict(mIoU=60 - 40 * share, samples=4)
    results['rmm/0.5 of rgb'] = dict(mIoU=1.0, samples=4)
    results |= {f'nm/{level}': dict(mIoU=9.0) for level in ('low', 'middle')}
    results['nm/high'] = dict(mIoU=None)
    lines = format_protocol(['rgb', 'depth'], results).splitlines()
    assert lines[-8:] == [
        HEAD[1],
        ABSENT,
        '| loses 25 % of its values (RMM) | 53.3 | 59.0 | 58.2 | 56.7 |',
        '| loses 75 % of its values (RMM) | 40.0 | 57.1 | 54.5 | 50.0 |',
        '',
        '| noise on every modality (NM) | low | middle | high |',
        '|---|---:|---:|---:|',
        '| mIoU | 9.0 | 9.0 | - |',
    ]


def test_protocol_with_an_unknown_result():
    text = format_protocol(['rgb', 'depth'], SUBSETS | {'depth': dict(mIoU=None, samples=2)})
    assert text.splitlines()[-1] == '| is absent (EMM) | - | - | - | - |'
