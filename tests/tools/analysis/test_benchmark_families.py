"""tools/analysis/benchmark_families.py at a tiny size, and its table."""

import json

import pytest

from mmamf.benchmarks.families_report import FAMILIES, FORMS, make_table, read_miou

NAME = 'MobileNetV2, SegFormer'


@pytest.fixture
def script(tool):
    return tool('benchmark_families')


def test_a_family_is_measured_once(script, tmp_path, capsys):
    out = tmp_path / 'families.json'
    arguments = ['--families', NAME, '--size', '64', '96', '--rounds', '2', '--threads', '1']
    arguments += ['--out', str(out)]  # two threads wait for each other where others compute
    script.main(arguments)
    (families,) = json.loads(out.read_text()).values()
    (result,) = families.values()
    assert result['parameters'] == pytest.approx(1.89e6, rel=0.01) and result['gmacs'] > 0
    (seconds,) = result['seconds'].values()
    assert set(FORMS) - {'openvino'} <= set(seconds) <= set(FORMS)
    assert all(len(values) == 2 and min(values) > 0 for values in seconds.values())
    assert capsys.readouterr().out.count(f'| {NAME} | 1.89 M |') == 2  # at once, and at the end
    script.main(arguments)
    assert f'{NAME}: is in {out}, not measured again' in capsys.readouterr().out


def test_unknown_families_are_refused(script, capsys):
    with pytest.raises(SystemExit):
        script.parse_args(['--families', 'VGG'])
    assert "--families: expected some of ['MobileNetV2, SegFormer'" in capsys.readouterr().err


def test_table(tmp_path):
    runs = tmp_path / 'sweep' / 'runs'
    runs.mkdir(parents=True)
    for seed, value in enumerate((60, 62)):
        (runs / f'light-{seed}.json').write_text(json.dumps(dict(last=dict(mIoU=value))))
    (runs / 'light-1200-0.json').write_text(json.dumps(dict(last=dict(mIoU=1))))  # another method
    assert read_miou('sweep/runs/light', tmp_path) == '61.0 ± 1.4 (n = 2)'
    assert read_miou('sweep/runs/light-1200', tmp_path) == '1.0 (n = 1)'
    assert read_miou('sweep/runs/other', tmp_path) == read_miou(None, tmp_path) == '-'

    seconds = {form: [0.3, 0.1, 0.2] for form in FORMS} | {'int8': [0.05], 'channels last': [0.15]}
    del seconds['openvino']
    result = dict(parameters=1.5e6, gmacs=2.25, seconds={'1': seconds})
    row = make_table({NAME: result}, tmp_path).splitlines()[-1]
    numbers = '200 | 200 | 200 | 150 | 200 | 50 | - | 0.75 | 0.25 | - |'
    assert row == f'| {NAME} | 1.50 M | 2.2 | 1 | {numbers}'


def test_every_family_has_a_config():
    from mmamf.benchmarks.families import CONFIGS

    assert all((CONFIGS / family.config).is_file() for family in FAMILIES.values())
