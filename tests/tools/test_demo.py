"""tools/demo.py: the whole of it once, on a tiny training; its decisions without any training."""

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from PIL import Image

from mmamf.analysis import results_table
from mmamf.commands import demo

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture
def parse():
    spec = importlib.util.spec_from_file_location('tool_demo', TOOLS / 'demo.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.parse_args


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Run `demo.train` with a training that only leaves its files; returns path and commands."""
    calls = []

    def run(*command, log):
        calls.append(list(map(str, command)))
        folder = Path(calls[-1][calls[-1].index('--work-dir') + 1])
        (folder / 'tiny.py').touch()
        (folder / 'last_checkpoint').write_text('/elsewhere/iter_9.pth')

    monkeypatch.setattr(demo, 'run', run)
    return lambda: (
        demo.train(Path('tiny.py'), tmp_path / 'train', tmp_path / 'train.log'),
        calls,
    )


def test_demo_from_training_to_report(tmp_path, monkeypatch, tiny_config, call_script):
    config = tiny_config(train_cfg=dict(max_iters=8, val_interval=4), custom_hooks=[])
    monkeypatch.chdir(tmp_path)
    code, said = call_script(TOOLS / 'demo.py', '--config', config)
    assert code == 0, said
    assert 'train     8/8' in said
    report = tmp_path / 'work_dirs' / 'demo' / 'report'
    results = json.loads((report / 'results.json').read_text())
    assert list(results) == ['ensemble', 'rgb', 'depth']
    text = (report / 'results.txt').read_text()
    assert text in said
    assert f'{results["depth"]["mAcc"]:.2f}' in text
    for name in ('curves.png', 'prediction_sheet.png'):
        assert f'work_dirs/demo/report/{name}' in said
        assert min(Image.open(report / name).size) > 300
    assert all(f'{step} ' in said.splitlines()[-1] for step in ('training', 'test'))


def test_new_training_starts_and_returns_the_last_checkpoint(trained, tmp_path):
    checkpoint, (call,) = trained()
    assert '--resume' not in call
    assert checkpoint == tmp_path / 'train' / 'iter_9.pth'


@pytest.mark.parametrize(
    'files, resumed',
    [(('tiny.py',), False), (('tiny.py', 'last_checkpoint'), True), (('other.py',), False)],
    ids=['died before its first checkpoint', 'died after a checkpoint', 'of another config'],
)
def test_interrupted_training_is_resumed_from_its_checkpoint(trained, tmp_path, files, resumed):
    (tmp_path / 'train').mkdir()
    for name in files:
        (tmp_path / 'train' / name).touch()
    _, (call,) = trained()
    assert ('--resume' in call) == resumed
    assert not (tmp_path / 'train' / 'other.py').exists()


def test_finished_training_is_not_repeated_while_the_demo_is_not(trained):
    trained()
    _, calls = trained()
    assert len(calls) == 1


def test_finished_demo_trains_again_but_keeps_its_report(parse, monkeypatch, tmp_path):
    for name in ('finished', 'train/finished', 'report/results.txt'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    def train(config, folder, log):
        assert not folder.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, 'train', train)
    with pytest.raises(KeyboardInterrupt):
        demo.demo(parse(['--config', 'tiny.py', '--work-dir', str(tmp_path)]))
    assert not (tmp_path / 'finished').exists()
    assert (tmp_path / 'report' / 'results.txt').exists()


def test_without_a_config_the_rooms_are_rendered_and_trained(parse, monkeypatch, tmp_path):
    steps = []
    monkeypatch.setattr(demo, 'run', lambda *command, log=None: steps.append(command))

    def train(config, folder, log):
        assert config.is_file()
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, 'train', train)
    with pytest.raises(KeyboardInterrupt):
        demo.demo(parse(['--work-dir', str(tmp_path)]))
    (step,) = steps
    assert step[:4] == (sys.executable, TOOLS / 'render_rooms.py', '--out', Path('data/rooms'))
    assert step[4:] == ('--modalities', 'rgb', 'depth', 'normal')


def test_failure_is_told_without_a_traceback(tmp_path):
    code = 'import sys; print(1); raise ValueError("expected 3 channels,\\ngot 4")'
    with pytest.raises(SystemExit) as stop:
        demo.run(sys.executable, '-c', code, log=tmp_path / 'train.log')
    message = str(stop.value)
    assert message.startswith('The demo stopped: ValueError: expected 3 channels,\ngot 4\n')
    assert 'Traceback' not in message and str(tmp_path / 'train.log') in message
    with pytest.raises(SystemExit, match='exit code 3'):
        demo.run(sys.executable, '-c', 'raise SystemExit(3)', log=tmp_path / 'train.log')
    with pytest.raises(SystemExit, match='see the message above'):
        demo.run(sys.executable, '-c', 'raise SystemExit(3)')


@pytest.mark.parametrize('logged', [False, True])
def test_interruption_ends_the_step(tmp_path, logged):
    pid = tmp_path / 'pid'
    code = (
        f'import os, signal, time; open({str(pid)!r}, "w").write(str(os.getpid())); '
        'os.kill(os.getppid(), signal.SIGINT); time.sleep(60)'
    )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            demo.run(sys.executable, '-c', code, log=tmp_path / 'train.log' if logged else None)
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_interrupted_demo_says_how_to_continue(parse, monkeypatch, capsys):
    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, 'demo', interrupted)
    monkeypatch.setattr(demo.signal, 'signal', lambda *args: None)
    with pytest.raises(SystemExit) as stop:
        demo.run_demo(parse([]))
    assert stop.value.code == 130
    assert 'run make demo again to continue' in capsys.readouterr().out


@pytest.mark.parametrize(
    'line, shown',
    [
        (
            '11/22 08:48:51 - mmengine - INFO - Iter(train) [ 20/500]  lr: 1.5e-03  eta: 0:01:02  '
            'time: 1.5  loss: 6.3490  decode.rgb.loss_ce: 2.1',
            '  train    20/500  eta 0:01:02  loss 6.3490',
        ),
        (
            '... Iter(val) [25/25]    mIoU: 4.7510  IoU.floor: 0.7  depth/mIoU: 5.0716  time: 0.3',
            '  val      25/25  mIoU 4.7510  depth/mIoU 5.0716',
        ),
        (
            '11/22 08:48:51 - mmengine - INFO - Sheet of predictions: work/sheet.png',
            '  a look at the predictions: work/sheet.png',
        ),
        ('11/22 08:48:51 - mmengine - INFO - Saving checkpoint at 20 iterations', None),
    ],
)
def test_progress_is_one_short_line(line, shown):
    assert demo.progress(line) == shown


def test_results_are_sorted_by_source_and_nan_is_no_number():
    metrics = {'PixAcc': 90.0, 'mAcc': 80.0, 'mIoU': 70.0, 'IoU.floor mat': float('nan')}
    metrics |= {f'rgb/{key}': value for key, value in metrics.items()} | {'time': 0.1}
    results = results_table.collect_results(metrics)
    entry = dict(IoU={'floor mat': None}, PixAcc=90.0, mAcc=80.0, mIoU=70.0)
    assert results == dict(ensemble=entry, rgb=entry)
    assert results_table.format_results(results).splitlines() == [
        'mean (%)         PixAcc        mAcc        mIoU',
        'ensemble          90.00       80.00       70.00',
        'rgb               90.00       80.00       70.00',
        '',
        'IoU (%)        ensemble         rgb',
        'floor mat             -           -',
    ]


def test_names_of_classes_may_have_slashes_and_dots():
    metrics = {'mIoU': 1.0, 'IoU.a/b': 2.0, 'IoU.c.d': 3.0, 'rgb/mIoU': 4.0, 'rgb/IoU.a/b': 5.0}
    metrics |= {'rgb/IoU.c.d': 6.0, 'Dice.a/b': 7.0}
    results = results_table.collect_results(metrics)
    assert results == dict(
        ensemble=dict(mIoU=1.0, IoU={'a/b': 2.0, 'c.d': 3.0}, Dice={'a/b': 7.0}),
        rgb=dict(mIoU=4.0, IoU={'a/b': 5.0, 'c.d': 6.0}),
    )
    assert len(results_table.format_results(results).splitlines()) == 7


def test_each_task_has_a_config_and_a_work_dir_of_its_own(parse):
    chosen = [parse([task]).task for task in demo.TASKS]
    assert all(config.is_file() for config in demo.TASKS.values())
    assert len({demo.COMMANDS[task] for task in chosen}) == len(chosen)
    assert parse([]).task == 'segmentation'


def test_results_of_a_translator_have_no_classes():
    metrics = {'MAE': 1.0, 'MSE': 2.0, 'rgb/MAE': 3.0, 'rgb/MSE': 4.0, 'data_time': 0.1}
    results = results_table.collect_results(metrics)
    assert results == dict(ensemble=dict(MAE=1.0, MSE=2.0), rgb=dict(MAE=3.0, MSE=4.0))
    assert results_table.format_results(results).splitlines() == [
        'mean               MAE         MSE',
        'ensemble          1.00        2.00',
        'rgb               3.00        4.00',
    ]


@pytest.mark.parametrize('name', ['train', 'test'])
def test_folders_of_others_are_not_removed(parse, tmp_path, name):
    image = tmp_path / name / '0001.png'
    image.parent.mkdir()
    image.touch()
    with pytest.raises(SystemExit, match=f'{image.parent}: expected no folder'):
        demo.demo(parse(['--work-dir', str(tmp_path)]))
    assert image.exists()
