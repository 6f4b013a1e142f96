"""The statistics, the tables and the chart of a sweep, from results that are made up."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from mmamf.whole_file import write_json

METHODS = [
    dict(name='none', title='no fusion'),
    dict(name='ours', title='ours', options={'b': 1}),
    dict(name='rgb', title='RGB alone', options={'b': 2}),
]
NONE, OURS = {1: 50.0, 2: 52.0, 3: 51.0}, {1: 53.0, 2: 54.0, 3: 53.5, 4: 90.0}


@pytest.fixture
def paired(tool):
    return tool('mmamf.comparison.paired')


@pytest.mark.parametrize('n', [2, 3, 5, 40])
def test_paired_difference_by_hand(paired, n):
    rng = np.random.default_rng(n)
    first, second = rng.normal(50, 2, n), rng.normal(51, 2, n)
    got = paired.compare(dict(enumerate(first)), dict(enumerate(second)))
    delta = first - second
    mean, error = delta.mean(), np.sqrt(((delta - delta.mean()) ** 2).sum() / (n - 1) / n)
    half = stats.t.ppf(0.975, n - 1) * error
    expected = (mean, mean - half, mean + half, 2 * stats.t.sf(abs(mean / error), n - 1))
    assert (got.mean, got.low, got.high, got.p) == pytest.approx(expected)
    assert got.n == n and got.significant == (got.p < 0.05)


def test_paired_difference_against_a_published_table(paired):
    # Student's own data: hours of sleep gained by two drugs, t = -4.0621, p = 0.002833
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    got = paired.compare(dict(enumerate(first)), dict(enumerate(second)))
    assert got.mean == pytest.approx(-1.58)
    assert got.p == pytest.approx(0.002833, abs=1e-6)
    assert (got.low, got.high) == pytest.approx((-2.4598858, -0.7001142))


def test_only_common_seeds_are_paired(paired):
    got = paired.compare(OURS, NONE)
    assert got.n == 3 and got.mean == pytest.approx(2.5)
    assert paired.compare(OURS, {9: 1.0}) is None


@pytest.mark.parametrize('n', [1, 3])
def test_without_spread_there_is_no_test(paired, n):
    got = paired.compare({i: 2.0 + i for i in range(n)}, {i: 1.5 + i for i in range(n)})
    assert got.mean == 0.5 and math.isnan(got.p) and not got.significant


def test_mean_and_sample_standard_deviation(paired):
    assert paired.mean_and_std(NONE) == (51.0, 1.0)
    assert math.isnan(paired.mean_and_std({1: 5.0})[1])


@pytest.fixture
def report(tool, tmp_path, write_sweep):
    """Write the report of made-up values, by method and seed; returns table, chart and commands."""

    def write(values, costs=None, **more):
        results, modules = tool('mmamf.comparison.results'), tool('mmamf.comparison.sweep')
        config = tmp_path / 'dummy.py'
        config.write_text("model = dict(type='A')\nb = 0\n")
        sweep = modules.load_sweep(write_sweep(config, METHODS, seeds=(1, 2, 3), **more))
        for name, seeds in values.items():
            for seed, value in seeds.items():
                run = modules.Run(sweep.name, sweep.methods[name], seed)
                last = {'mIoU': value, 'rgb/mIoU': value - 1, 'depth/mIoU': value - 2 - seed}
                if name == 'rgb':
                    last.pop('depth/mIoU')
                best = {**last, 'iteration': 10, 'mIoU': value + 0.5}
                content = dict(**results.identify_run(run), last=last, best=best)
                write_json(results.result_path(tmp_path, run), content)
        for name, cost in (costs or {}).items():
            cost.update(results.identify(sweep.methods[name]))
            write_json(tmp_path / 'costs.json', costs)
        return tool('mmamf.comparison.report').write_report(sweep, tmp_path)

    return write


def row_of(table: Path, title: str) -> list[str]:
    (line,) = (line for line in table.read_text().splitlines() if line.startswith(f'| {title} '))
    return [cell.strip() for cell in line.split('|')[1:-1]]


def test_table(report):
    ours = {seed: value for seed, value in OURS.items() if seed < 4}
    times = {
        step: dict(ratio=1.5, smallest=1.25, largest=2.0) for step in ('training', 'inference')
    }
    question = dict(title='Better?', method='ours', against='rgb')
    table, _, _ = report(
        dict(none=NONE, ours=ours, rgb={1: 40.0}),
        costs=dict(ours=dict(parameters=1234567, gmacs=2.5, **times)),
        questions=[question],
    )
    time = '1.50 (1.25 to 2.00)'
    assert row_of(table, 'ours (`ours`)') == [
        'ours (`ours`)',
        '3',
        '53.50 ± 0.50',
        '54.00 ± 0.50',
        '**+2.50 [+1.26, +3.74]**',
        '**0.013**',
        '52.50 ± 0.50',
        '49.50 ± 0.87',
        '+1.00',
        '1.23',
        '2.50',
        time,
        time,
    ]
    assert row_of(table, 'no fusion (`none`)')[4:6] == ['–', '–']
    assert row_of(table, 'RGB alone (`rgb`)')[6:9] == ['39.00', '–', '–']
    assert row_of(table, 'Better?') == ['Better?', '`ours` − `rgb`', '1', '+13.00', '–', '–']
    text = table.read_text()
    assert 'Not complete: 2 of 9 runs are missing' in text
    assert 'groups show 1 tests' in text  # others: one seed, or no spread


def test_questions_are_corrected_for_their_number(report):
    ours = {seed: value for seed, value in OURS.items() if seed < 4}
    pair = dict(method='ours', against='none')
    questions = [dict(title=f'Question {number}?', **pair) for number in range(4)]
    table, _, _ = report(dict(none=NONE, ours=ours), questions=questions)
    assert row_of(table, 'Question 0?')[3:] == ['+2.50 [+1.26, +3.74]', '0.013', '0.052']
    assert 'corrected for their number (4)' in table.read_text()


@pytest.mark.parametrize(
    'values, corrected',
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.02, math.nan, 0.01], [0.02, math.nan, 0.02]),
        ([0.6, 0.9], [1.0, 1.0]),
        ([], []),
    ],
)
def test_correction_for_the_number_of_tests(paired, values, corrected):
    assert paired.correct_for_number(values) == pytest.approx(corrected, nan_ok=True)


def test_mixtures_are_named(tool):
    describe = tool('mmamf.comparison.results').describe_mixture
    one, other = dict(device='CPU', data='12ab'), dict(device='H100', data='12ab')
    assert describe([dict(versions=one), dict(versions=one)]) == ''
    assert describe([dict(versions=one), dict(versions=other)]) == 'device: CPU, H100'


@pytest.mark.parametrize('gain', [2.5, 0.0, -2.5])
def test_gain_of_a_control_is_shown_as_such(report, gain):
    ours = {seed: value + gain + 0.1 * seed - 0.2 for seed, value in NONE.items()}
    group = dict(title='copy', methods=METHODS, seeds=[1, 2, 3], control=True)
    table, chart, _ = report(dict(none=NONE, ours=ours), groups=[group])
    assert ('**A gain without information: ours.**' in table.read_text()) == (gain > 0)
    assert ('No clear gain without information: ours.' in table.read_text()) == (gain <= 0)
    picture = np.asarray(Image.open(chart).convert('RGB'))
    shown = (picture[:, picture.shape[1] * 2 // 3 :] == (0xC8, 0x10, 0x2E)).all(-1)
    assert shown.any() == (gain > 0)  # in words, beside the difference


def test_commands_are_those_of_all_runs(report):
    _, _, commands = report(dict(none=NONE))
    lines = [line for line in commands.read_text().splitlines() if line.startswith('python')]
    assert len(lines) == 9
    assert lines[3].endswith(
        'train.py dummy.py --work-dir work_dirs/tiny_sweep/ours-1 '
        '--cfg-options b=1 randomness.seed=1'
    )


def test_costs_of_another_network_are_refused(report, tmp_path):
    report(dict(none=NONE), costs=dict(ours=dict(gmacs=1)))
    text = (tmp_path / 'costs.json').read_text()
    (tmp_path / 'costs.json').write_text(text.replace('"b": 1', '"b": 7'))
    with pytest.raises(ValueError, match="costs.json, options: expected {'b': 1}, got {'b': 7}"):
        report(dict(none=NONE))


def test_costs_of_a_tiny_network(tool, tmp_path, tiny_config, write_sweep, monkeypatch):
    costs, sweeps = tool('mmamf.comparison.costs'), tool('mmamf.comparison.sweep')
    monkeypatch.setattr(costs, 'REPEATS', 1)
    sweep = sweeps.load_sweep(write_sweep(tiny_config()))
    written = tmp_path / 'costs.json'
    measured = costs.measure_costs(sweep, ['ours'], written)
    assert costs.load_costs(sweep, written) == measured
    entry = measured['ours']
    assert entry['parameters'] == sum(
        p.numel() for p in costs.MeasuredNetwork(sweep.methods['ours'].loaded).model.parameters()
    )
    assert entry['gmacs'] > 0
    for step in ('training', 'inference'):
        times = entry[step]
        assert 0 < times['smallest'] == times['ratio'] == times['largest']
