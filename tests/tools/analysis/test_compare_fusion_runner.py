"""Which runs of a sweep are done, and how: with a stand-in for tools/train.py."""

import fcntl
import json
import os
import signal
import threading
import time

import pytest
import torch

STAND_IN = """
import json, pathlib, shutil, sys, time
words = sys.argv[1:]
work_dir = pathlib.Path(words[words.index('--work-dir') + 1])
print('called', '--resume' in words)
if 'dummy=sleep' in words:
    (work_dir / 'sleeps').touch()
    time.sleep(60)
if 'dummy=fail' in words:
    raise ValueError('expected better')
first = 2 if '--resume' in words else 1
log = work_dir / str(time.time_ns()) / 'vis_data' / 'scalars.json'
log.parent.mkdir(parents=True)
lines = [json.dumps({'mIoU': 10.0 * i, 'rgb/mIoU': 9.0, 'step': i}) for i in range(first, 4)]
log.write_text('\\n'.join(lines))
shutil.copy('stand_in.pth', work_dir / 'iter_3.pth')
(work_dir / 'last_checkpoint').write_text('/elsewhere/iter_3.pth')
"""


@pytest.fixture
def compare(tool, tmp_path, write_sweep, monkeypatch):
    """Run the tool in-process on methods by what they do; the folder of results is `results`."""
    main = tool('compare_fusion').main
    config = tmp_path / 'dummy.py'
    config.write_text("model = dict(type='A')\ndummy = None\n")
    script = tmp_path / 'train.py'
    script.write_text(STAND_IN)
    monkeypatch.setattr(tool('mmamf.comparison.sweep'), 'TRAIN', script)
    monkeypatch.setattr(tool('mmamf.comparison.runner'), 'POLL', 0.01)
    monkeypatch.setattr(tool('mmamf.comparison.report'), 'draw_chart', lambda *args: None)
    alpha = torch.tensor([1.0, 1.0])
    torch.save(dict(state_dict={'decode_head.alpha': alpha}), tmp_path / 'stand_in.pth')

    def run(*behaviors, arguments=(), **more):
        methods = [dict(name=b, title=b, options={'dummy': b}) for b in behaviors]
        path = write_sweep(config, methods, reference=behaviors[0], **more)
        main([str(path), '--results', str(tmp_path / 'results'), *arguments])

    return run


@pytest.fixture
def runs(tmp_path):
    return tmp_path / 'results' / 'runs'


@pytest.fixture
def work_dirs(tmp_path):
    return tmp_path / 'work_dirs' / 'tiny_sweep'


def test_result_of_a_run(compare, runs, work_dirs, capsys):
    compare('fine')
    result = json.loads((runs / 'fine-3.json').read_text())
    assert result['curve'] == [[1, 10.0], [2, 20.0], [3, 30.0]]
    assert result['last'] == {'mIoU': 30.0, 'rgb/mIoU': 9.0}
    assert result['best'] == dict(iteration=3, **result['last'])
    assert result['options'] == {'dummy': 'fine'} and result['config'] == 'dummy.py'
    assert result['alpha'] == [0.5, 0.5] and 0 <= result['cpu_seconds'] < 60
    assert result['command'].endswith('--cfg-options dummy=fine randomness.seed=3')
    assert result['versions']['torch'] == torch.__version__
    assert not list(work_dirs.rglob('*.pth'))
    said = capsys.readouterr().out
    assert 'finished fine-3: mIoU 30.00' in said and 'about 0 h 00 min left' in said


def test_what_is_done_is_skipped(compare, runs, capsys):
    compare('fine', arguments=['--keep'])
    before = (runs / 'fine-3.json').stat().st_mtime_ns
    compare('fine', 'also')
    assert (runs / 'fine-3.json').stat().st_mtime_ns == before
    assert '2 runs: 1 done, 1 to do' in capsys.readouterr().out
    assert (runs / 'also-3.json').is_file()


def test_failure_is_told_and_the_others_go_on(compare, runs, capsys):
    with pytest.raises(SystemExit, match='1 runs failed: fail-3'):
        compare('fine', 'fail', 'also', arguments=['--jobs', '2'])
    assert 'FAILED fail-3: ValueError: expected better (all output: ' in capsys.readouterr().out
    assert sorted(path.stem for path in runs.iterdir()) == ['also-3', 'fine-3']


def test_checkpoint_is_continued_and_without_one_is_begun_anew(compare, runs, work_dirs):
    compare('fine', arguments=['--keep'])
    assert list(work_dirs.rglob('*.pth'))
    (runs / 'fine-3.json').unlink()
    compare('fine')
    assert 'called True' in (work_dirs / 'fine-3' / 'train.log').read_text()
    result = json.loads((runs / 'fine-3.json').read_text())
    assert [step for step, _ in result['curve']] == [1, 2, 3]
    assert result['cpu_seconds'] is None
    (runs / 'fine-3.json').unlink()
    compare('fine')  # no checkpoint is left: from the start, in a fresh folder
    log = (work_dirs / 'fine-3' / 'train.log').read_text()
    assert 'called False' in log and 'called True' not in log


def test_checkpoint_of_another_method_is_refused(compare, runs, work_dirs, capsys):
    compare('fine', arguments=['--keep'])
    (runs / 'fine-3.json').unlink()
    note = work_dirs / 'fine-3' / 'run.json'
    note.write_text(note.read_text().replace('"dummy": "fine"', '"dummy": "old"'))
    with pytest.raises(SystemExit, match='fine-3'):
        compare('fine', 'also')
    assert f'{note.relative_to(work_dirs.parents[1])}, options: expected' in capsys.readouterr().out
    assert (runs / 'also-3.json').is_file()


def test_checkpoint_of_a_training_by_hand_is_refused(compare, runs, work_dirs, capsys):
    (work_dirs / 'fine-3').mkdir(parents=True)
    (work_dirs / 'fine-3' / 'last_checkpoint').write_text('iter_3.pth')
    with pytest.raises(SystemExit, match='1 runs failed: fine-3'):
        compare('fine', 'also')
    assert 'run.json: expected this file beside the checkpoint, got none' in capsys.readouterr().out
    assert (work_dirs / 'fine-3' / 'last_checkpoint').is_file()
    assert (runs / 'also-3.json').is_file()


def test_folder_of_others_is_not_emptied(compare, work_dirs, capsys):
    (work_dirs / 'fine-3').mkdir(parents=True)
    (work_dirs / 'fine-3' / 'notes.txt').touch()
    with pytest.raises(SystemExit, match='1 runs failed: fine-3'):
        compare('fine')
    assert 'got one with notes.txt and without run.json' in capsys.readouterr().out
    assert (work_dirs / 'fine-3' / 'notes.txt').is_file()


def test_run_of_another_process_is_waited_for(compare, runs, work_dirs, capsys):
    (work_dirs / 'fine-3').mkdir(parents=True)
    with open(work_dirs / 'fine-3' / 'lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        timer = threading.Timer(1, fcntl.flock, (lock, fcntl.LOCK_UN))
        timer.start()
        compare('fine', 'also')
        timer.join()
    said = capsys.readouterr().out
    assert 'waiting for fine-3, which another process is running' in said
    assert said.index('finished also-3') < said.index('started fine-3')


def test_interruption_ends_the_processes(compare, work_dirs, capsys):
    def interrupt():
        while not (work_dirs / 'sleep-3' / 'sleeps').exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(SystemExit) as stop:
        compare('sleep')
    assert stop.value.code == 130
    assert 'run the same command again to continue' in capsys.readouterr().out
    with open(work_dirs / 'sleep-3' / 'lock') as lock:  # held as long as the process lives
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_only_and_seeds_choose(compare, runs):
    compare('fine', 'also', seeds=(1, 2), arguments=['--only', 'also', '--seeds', '2'])
    assert [path.stem for path in runs.iterdir()] == ['also-2']


@pytest.mark.parametrize(
    'old, new, message',
    [
        ('"fine"\n', '"other"\n', "fine-3.json, options: expected .'dummy': 'fine'., got"),
        ('dummy.py",', 'tiny.py",', 'fine-3.json, config: expected dummy.py, got tiny.py'),
        ('"model": "', '"model": "0', 'fine-3.json, config: expected dummy.py as it is now, got '),
        ('"mIoU": 30', '"mAcc": 30', 'fine-3.json, last: expected mIoU'),
        ('{', '', 'fine-3.json: expected JSON, got'),
    ],
)
def test_result_that_does_not_fit_is_refused(compare, runs, old, new, message):
    compare('fine')
    text = (runs / 'fine-3.json').read_text()
    assert old in text
    (runs / 'fine-3.json').write_text(text.replace(old, new, 1))
    with pytest.raises(SystemExit, match=message):
        compare('fine', arguments=['--report'])


def test_result_from_other_initial_weights_is_refused(compare, tmp_path):
    compare('fine')
    config = tmp_path / 'dummy.py'
    text = config.read_text()
    config.write_text(text + 'load_from = None\n')
    compare('fine', arguments=['--report'])
    config.write_text(text + "load_from = 'a.pth'\n")
    with pytest.raises(SystemExit, match='fine-3.json, config: .* got another load_from'):
        compare('fine', arguments=['--report'])


def test_result_of_no_run_is_refused(compare, runs):
    compare('fine')
    (runs / 'fine-3.json').rename(runs / 'fine-4.json')
    with pytest.raises(SystemExit, match='fine-4.json: expected the result of a run of tiny_sweep'):
        compare('fine')


def test_report_needs_results(compare):
    with pytest.raises(SystemExit, match='expected results of tiny_sweep, got none'):
        compare('fine', arguments=['--report'])
    with pytest.raises(SystemExit, match='2'):
        compare('fine', arguments=['--jobs', '0'])
