"""From a folder to a config that trains, and a report that opens in a browser."""

import importlib
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from planted import PLANTS, make_clean_set, names

from mmamf.planning import make_plan as make_plan_module
from mmamf.planning.measure_step import StepCost
from mmamf.planning.plan_data import plan_data

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
BROWSERS = map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))
BROWSER = next(filter(None, BROWSERS), None)


@pytest.fixture(scope='module')
def clean(tmp_path_factory) -> Path:
    return make_clean_set(tmp_path_factory.mktemp('clean') / 'scenes', count=12)


@pytest.fixture
def plan(monkeypatch, tmp_path):
    """Run the command without the measurement of steps, which has tests of its own."""

    def measure(model, optim_wrapper, size, batch_sizes, memory_gib, **patience):
        return {n: StepCost(0.02 * n, 0.1) for n in batch_sizes}

    monkeypatch.setattr(make_plan_module.make_plan, '__defaults__', (measure,))
    monkeypatch.chdir(tmp_path)

    def run(root: Path, *arguments: str) -> Path:
        args = importlib.import_module('plan').parse_args([str(root), '--workers', '1', *arguments])
        plan_data(args)
        return args.out

    return run


class Page(HTMLParser):
    """Collects tags that are open, and everything that a page would load."""

    EMPTY = ('meta', 'img', 'br', 'wbr', 'rect')

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.loaded = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in self.EMPTY:
            self.open.append(tag)
        self.loaded += [value for key, value in attrs if key in ('src', 'href')]

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_folder_becomes_a_config_that_trains(clean, plan, tmp_path, call_script, capsys):
    out = plan(clean, '--minutes', '2')
    said = capsys.readouterr().out
    assert '12 samples: rgb (12), depth (12), labels (12); 10 train, 2 val' in said
    assert 'warning: There are only 12 samples. [few-samples]' in said
    assert said.splitlines()[-1].startswith('to train: python ')
    config = out / 'scenes.py'
    cfg = Config.fromfile(config)
    length = f'{cfg.max_iters} iterations, validated every {cfg.val_interval}. An iteration takes'
    assert f'schedule: {length}' in said and length in (out / 'report.html').read_text()
    assert cfg.train_dataloader.dataset.metainfo.classes == ('ground', 'box', 'ball')
    work = tmp_path / 'work'
    code, said = call_script(TOOLS / 'train.py', config, '--length', 2, '--work-dir', work)
    assert code == 0, said
    assert (work / 'iter_2.pth').is_file()


def test_same_seed_gives_the_same_tables(clean, plan):
    first, second, other = (
        (plan(clean, '--out', name, '--seed', seed) / 'val.csv').read_text()
        for name, seed in (('a', '0'), ('b', '0'), ('c', '3'))
    )
    assert first == second != other


def test_report_is_one_file(clean, plan):
    text = (plan(clean) / 'report.html').read_text()
    page = Page(text)
    assert page.open == []
    assert page.loaded and all(url.startswith('data:image/jpeg;base64,') for url in page.loaded)
    for part in ('few-samples', 'Samples', 'Modalities', 'Registration', 'ball', 'Split', 'Plan'):
        assert part in text


@pytest.mark.skipif(BROWSER is None, reason='needs a browser: apt-get install chromium')
@pytest.mark.parametrize('width', [400, 1200])
def test_report_opens_in_a_browser(clean, plan, tmp_path, width):
    import cv2

    report = plan(clean) / 'report.html'
    picture = tmp_path / 'page.png'
    command = [BROWSER, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars']
    command += [f'--window-size={width},1500', f'--screenshot={picture}', report.resolve().as_uri()]
    environment = {**os.environ, 'HOME': str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert not re.search('Uncaught|ERR_', done.stderr)
    image = cv2.imread(str(picture))
    assert image.shape == (1500, width, 3)
    colors = np.unique(image.reshape(-1, 3), axis=0)
    assert len(colors) > 200  # text, cards and photographs
    right = image[:, -4:]  # nothing but the background: the page is not wider than the window
    assert len(np.unique(right.reshape(-1, 3), axis=0)) < 20


def test_fixed_copy_is_planned(clean, plan, tmp_path, capsys):
    root = shutil.copytree(clean, tmp_path / 'set')
    PLANTS['labels-colored'](root)
    PLANTS['sizes-differ'](root)
    out = plan(root, '--fix', str(tmp_path / 'fixed'))
    said = capsys.readouterr().out
    before, after = said.split('has the fixed copy. What is left:')
    assert 'sizes-differ' in before and 'sizes-differ' not in after
    cfg = Config.fromfile(out / 'set.py')
    assert Path(cfg.data_root) == tmp_path / 'fixed'


def test_unusable_samples_are_left_out(clean, plan, tmp_path, capsys):
    root = shutil.copytree(clean, tmp_path / 'set')
    PLANTS['unreadable'](root)
    names(root, 'labels')[5].unlink()
    out = plan(root)
    assert 'left out: seq1_003: rgb/seq1_003.png cannot be read' in capsys.readouterr().out
    rows = [(out / f'{side}.csv').read_text().splitlines()[1:] for side in ('train', 'val')]
    assert sum(map(len, rows)) == 10


def test_error_stops_training_at_once_and_the_report_stays(clean, plan, tmp_path, capsys):
    root = shutil.copytree(clean, tmp_path / 'set')
    shutil.rmtree(root / 'labels')
    with pytest.raises(SystemExit, match='error: .*label'):
        plan(root, '--train')
    assert (tmp_path / 'configs' / 'set' / 'report.html').is_file()


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['--modality', 'depth'], '--modality: expected NAME=DIR'),
        (['--modality', 'a=rgb', '--modality', 'a=depth'], "--modality: .* got 'a' twice"),
        (['--share', '1'], '--share: expected a number between 0 and 1'),
        (['--seed', '-1'], '--seed: expected 0 or more'),
        (['--minutes', '0'], '--minutes: expected more than 0'),
        (['--minutes', 'nan'], '--minutes: expected more than 0'),
        (['--minutes', 'inf'], '--minutes: expected more than 0'),
        (['--workers', '0'], '--workers: expected 1 or more'),
        (['--name', 'a/b'], '--name: expected letters'),
        (['--fix', 'DATA/fixed'], '--fix: expected a folder outside DATA'),
        (['--out', 'DATA/classes.txt'], '--out: expected a folder, .* is a file'),
    ],
)
def test_wrong_arguments_are_refused_at_once(clean, arguments, message, capsys):
    arguments = [word.replace('DATA', str(clean)) for word in arguments]
    with pytest.raises(SystemExit):
        importlib.import_module('plan').parse_args([str(clean), *arguments])
    assert re.search(f'error: {message}', capsys.readouterr().err)


def test_a_folder_that_cannot_be_written_is_one_line(clean, plan, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(SystemExit, match='error: .*file'):
        plan(clean, '--out', str(tmp_path / 'file' / 'plan'))


def test_errors_are_named_before_the_training(clean, plan, tmp_path, capsys):
    root = shutil.copytree(clean, tmp_path / 'set')
    PLANTS['sizes-differ'](root)
    plan(root)
    assert 'to be mended first: sizes-differ\nto train:' in capsys.readouterr().out
