"""tools/train.py and tools/test.py from the command line, each in a process of its own."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmamf.commands import test as testing
from mmamf.commands import train as training

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def call(*command: str, cwd: Path, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, check=False, env={**os.environ, **env}
    )


def load_tool(name: str):
    spec = importlib.util.spec_from_file_location(f'tool_{name}', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def free_port() -> str:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return str(free.getsockname()[1])


@pytest.fixture
def short_config(tiny_config):
    return tiny_config(train_cfg=dict(max_iters=2, val_interval=2))


def test_train_then_test_from_another_directory(tmp_path, monkeypatch, short_config, call_script):
    # neither installed nor in the current directory: the tool finds its clone
    train = call(sys.executable, str(TOOLS / 'train.py'), short_config, '--amp', cwd=tmp_path)
    assert train.returncode == 0, train.stderr
    assert 'Bfloat16OptimWrapper' in train.stdout or torch.cuda.is_available()
    work_dir = tmp_path / 'work_dirs' / 'tiny'
    checkpoint = str(work_dir / (work_dir / 'last_checkpoint').read_text())

    options = ('--work-dir', 'tested', '--out', 'maps', '--show-dir', 'painted', '--tta')
    monkeypatch.chdir(tmp_path)
    code, said = call_script(TOOLS / 'test.py', short_config, checkpoint, *options)
    assert code == 0, said
    assert 'PixAcc' in said
    (metrics,) = (tmp_path / 'tested').glob('*/*.json')
    assert {'PixAcc', 'mAcc', 'mIoU'} <= set(json.loads(metrics.read_text()))
    maps = sorted((tmp_path / 'maps').glob('*.png'))
    assert len(maps) == 8
    assert cv2.imread(str(maps[0]), cv2.IMREAD_UNCHANGED).shape == (48, 64)
    assert len(list((tmp_path / 'painted').rglob('vis_image/*.png'))) == 8
    assert (tmp_path / 'painted' / 'prediction_sheet.png').is_file()


def test_single_scale_and_augmented_results_from_one_command(tmp_path, tiny_config, run_tool):
    config = tiny_config()
    cfg = Config.fromfile(config)
    scales = [dict(type='Resize', scale_factor=r, keep_ratio=True) for r in (0.5, 1.75)]
    cfg.tta_pipeline[1].transforms.insert(0, scales)
    Path(config).write_text('\n'.join(f'{k} = {v!r}' for k, v in cfg.to_dict().items()))
    checkpoint = tmp_path / 'untrained.pth'
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.decode_head.head.conv_seg.bias.data.zero_()  # or one class would win everywhere
    torch.save(dict(state_dict=model.state_dict()), checkpoint)

    places = (f'--{option}={tmp_path / option}' for option in ('work-dir', 'out', 'show-dir'))
    assert run_tool('test.py', config, str(checkpoint), '--tta', 'both', *places) == 0
    results = []
    for folder in ('.', 'tta'):
        (metrics,) = (tmp_path / 'work-dir' / folder).glob('2*/*.json')
        results.append(json.loads(metrics.read_text()))
        assert {'mIoU', 'rgb/mIoU', 'depth/mIoU'} <= results[-1].keys()
        assert len(list((tmp_path / 'out' / folder).glob('*.png'))) == 8
        assert (tmp_path / 'show-dir' / folder / 'prediction_sheet.png').is_file()
        painted = (tmp_path / 'show-dir' / folder / 'vis_data').rglob('vis_image/*.png')
        assert len(list(painted)) == 8
    assert results[0]['mIoU'] != results[1]['mIoU']


@pytest.mark.parametrize(
    ('options', 'models'),
    [
        ([], ['MultimodalSegmentor']),
        (['--tta'], ['MultimodalTTAModel']),
        (['--tta', 'both'], ['MultimodalSegmentor', 'MultimodalTTAModel']),
    ],
)
def test_tests_that_are_run(tmp_path, monkeypatch, tiny_config, options, models):
    tool, seen = load_tool('test'), []
    (tmp_path / 'some.pth').touch()
    arguments = ['test.py', tiny_config(), str(tmp_path / 'some.pth'), *options]
    monkeypatch.setattr(sys, 'argv', arguments)
    monkeypatch.setattr(testing, 'run_test', seen.append)
    tool.main()
    assert [cfg.model.type for cfg in seen] == models
    assert [Path(cfg.work_dir) for cfg in seen] == [
        Path('work_dirs/tiny'),
        Path('work_dirs/tiny/tta'),
    ][: len(models)]


def test_both_tests_need_a_way_to_augment(tmp_path, monkeypatch, tiny_config):
    """It is said before the first of them starts."""
    tool, seen = load_tool('test'), []
    (tmp_path / 'some.pth').touch()
    config = tiny_config(tta_model=None)
    arguments = ['test.py', config, str(tmp_path / 'some.pth'), '--tta', 'both']
    monkeypatch.setattr(sys, 'argv', arguments)
    monkeypatch.setattr(testing, 'run_test', seen.append)
    with pytest.raises(SystemExit, match='--tta: expected tta_model in the config'):
        tool.main()
    assert not seen


def test_dist_scripts_without_gpu(tmp_path, short_config):
    env = dict(PYTHON=sys.executable, PORT=free_port(), CUDA_VISIBLE_DEVICES='-1')
    train = call(
        str(TOOLS / 'dist_train.sh'), short_config, '2', '--work-dir', 'dist', cwd=tmp_path, **env
    )
    assert train.returncode == 0, train.stderr
    assert 'GPU number: 2' in train.stdout  # mmengine's word for the number of processes
    test = call(
        str(TOOLS / 'dist_test.sh'), short_config, 'dist/iter_2.pth', '2', cwd=tmp_path, **env
    )
    assert test.returncode == 0, test.stderr
    assert 'PixAcc' in test.stdout


def test_resume_without_checkpoint_ends_with_a_message(
    tmp_path, monkeypatch, short_config, call_script
):
    monkeypatch.chdir(tmp_path)
    code, said = call_script(TOOLS / 'train.py', short_config, '--resume')
    assert code == 1
    assert '--resume: expected a checkpoint in work_dirs/tiny' in said
    assert 'Traceback' not in said
    assert not (tmp_path / 'work_dirs').exists()


@pytest.mark.parametrize('named', [False, True], ids=['nothing', 'missing file'])
def test_resume_without_checkpoint_is_refused(tmp_path, named):
    if named:
        (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_9.pth'))
    with pytest.raises(FileNotFoundError, match='--resume.*last_checkpoint'):
        training.find_checkpoint('auto', str(tmp_path))


def test_resume_with_an_empty_note_names_the_newest(tmp_path):
    for name in ('iter_9.pth', 'iter_10.pth', 'best_mIoU_iter_9.pth'):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (len(name), len(name)))
    (tmp_path / 'last_checkpoint').write_text('\n')
    with pytest.raises(FileNotFoundError, match='is empty .*--resume .*iter_10.pth$'):
        training.find_checkpoint('auto', str(tmp_path))


def test_resume_from_a_missing_path_is_refused():
    with pytest.raises(
        FileNotFoundError, match='--resume nowhere.pth: there is no such checkpoint'
    ):
        training.find_checkpoint('nowhere.pth', 'work')


def test_resume_finds_checkpoint_of_a_moved_work_dir(tmp_path):
    (tmp_path / 'iter_9.pth').touch()
    (tmp_path / 'last_checkpoint').write_text('/where/it/was/iter_9.pth')
    assert training.find_checkpoint('auto', str(tmp_path)) == str(tmp_path / 'iter_9.pth')


def test_resume_prefers_the_folder_to_the_recorded_path(tmp_path):
    for folder in ('first', 'copy'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'iter_9.pth').touch()
    (tmp_path / 'copy' / 'last_checkpoint').write_text(str(tmp_path / 'first' / 'iter_9.pth'))
    found = training.find_checkpoint('auto', str(tmp_path / 'copy'))
    assert found == str(tmp_path / 'copy' / 'iter_9.pth')


@pytest.mark.parametrize('rank', ['0', '1'])
def test_training_is_locked_and_watched_over(tmp_path, monkeypatch, tiny_config, rank):
    tool, seen = load_tool('train'), []
    config = tiny_config(**{'default_hooks.checkpoint.out_dir': str(tmp_path / 'out')})
    locks = [tmp_path / 'run' / '.training.lock', tmp_path / 'out' / 'run' / '.training.lock']

    class Stub:
        def __init__(self, cfg):
            self.cfg = cfg

        def register_hook(self, hook):
            seen.append(type(hook).__name__)

        def train(self):
            seen.extend(hook['type'] for hook in self.cfg.custom_hooks)
            for lock in locks:
                held = lock.is_file() and lock.read_text()
                assert bool(held) == (rank == '0')

    monkeypatch.setattr(training.Runner, 'from_cfg', Stub)
    monkeypatch.setenv('RANK', rank)
    monkeypatch.setenv('LOCAL_RANK', rank)
    arguments = ['train.py', config, '--work-dir', str(tmp_path / 'run'), '--launcher', 'pytorch']
    monkeypatch.setattr(sys, 'argv', arguments)
    tool.main()
    assert {'EMAHook', 'FiniteTrainingHook', 'ScheduleHook'} <= set(seen)
    assert [lock.is_file() and not lock.read_text() for lock in locks] == [rank == '0'] * 2


def test_locked_work_dir_ends_with_a_message(tmp_path, monkeypatch, tiny_config):
    tool = load_tool('train')

    def locked(self):
        raise ValueError(f'{self.folder}: another training')

    monkeypatch.setattr(training.WorkDirLock, '__enter__', locked)
    monkeypatch.setattr(training.Runner, 'from_cfg', pytest.fail)
    monkeypatch.setattr(sys, 'argv', ['train.py', tiny_config(), '--work-dir', str(tmp_path)])
    with pytest.raises(ValueError, match=f'{tmp_path}: another training'):
        tool.main()


@pytest.mark.parametrize(
    'gpu, expected', [(True, 'AmpOptimWrapper'), (False, 'Bfloat16OptimWrapper')]
)
def test_amp_follows_the_device(monkeypatch, gpu, expected):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    training.use_amp(wrapper)
    assert wrapper['type'] == expected


def test_amp_refuses_other_wrappers():
    with pytest.raises(ValueError, match='expected optim_wrapper.type OptimWrapper, got Apex'):
        training.use_amp(dict(type='ApexOptimWrapper'))


def test_tta_and_show_dir_name_what_the_config_lacks():
    with pytest.raises(ValueError, match='--tta: expected tta_pipeline in the config'):
        testing.use_tta(Config(dict(tta_model=dict(type='SegTTAModel'))))
    with pytest.raises(ValueError, match='--show-dir: expected default_hooks.visualization'):
        testing.draw_into(Config(dict(default_hooks=dict())), 'painted')


@pytest.mark.parametrize(
    'model, tta_model, expected',
    [
        ('MultimodalSegmentor', 'SegTTAModel', 'MultimodalTTAModel'),
        ('MultimodalSegmentor', 'MultimodalTTAModel', 'MultimodalTTAModel'),
        ('MultimodalSegmentor', 'MyTTAModel', 'MyTTAModel'),
        ('EncoderDecoder', 'SegTTAModel', 'MultimodalTTAModel'),
    ],
)
def test_tta_merges_every_modality(model, tta_model, expected):
    cfg = Config(
        dict(
            model=dict(type=model),
            tta_model=dict(type=tta_model),
            tta_pipeline=[dict(type='TestTimeAug')],
            test_dataloader=dict(dataset=dict(pipeline=[])),
        )
    )
    testing.use_tta(cfg)
    assert cfg.model == dict(type=expected, module=dict(type=model))
    assert cfg.test_dataloader.dataset.pipeline == cfg.tta_pipeline


ARRAYS = dict(heat='.npy', rgb='.png')
PICTURES = dict(heat='.tif', rgb='.png')


@pytest.mark.parametrize(
    ('suffix', 'options', 'painted'),
    [
        ('.png', dict(), True),
        (ARRAYS, dict(), False),
        (ARRAYS, dict(modalities=['rgb', 'heat']), True),
        (ARRAYS, dict(modalities=['rgb', 'heat'], optional=['rgb']), False),
        (PICTURES, dict(), True),
        (PICTURES, dict(pipeline=[dict(modalities=dict(heat=dict(channels=5)))]), False),
        (PICTURES, dict(pipeline=[dict(modalities=dict(rgb=dict(channels=5)))]), True),
    ],
)
def test_show_dir_paints_over_images_only_and_always_draws_the_sheet(suffix, options, painted):
    cfg = Config(
        dict(
            default_hooks=dict(visualization=dict(type='SegVisualizationHook')),
            visualizer=dict(type='SegLocalVisualizer'),
            custom_hooks=[dict(type='EMAHook')],
            test_dataloader=dict(
                dataset={'img_suffix': suffix, 'modalities': ['heat', 'rgb'], **options}
            ),
        )
    )
    testing.draw_into(cfg, 'there')
    assert cfg.default_hooks.visualization.draw == painted
    assert cfg.custom_hooks[1] == dict(type='PredictionSheetHook', out_dir='there')
