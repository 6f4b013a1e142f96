"""A translator is trained, killed and resumed, distributed, tested and applied, by the tools."""

import os
import runpy
import signal
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import load

from mmamf.apis import init_translator, translate
from mmamf.commands.test import use_tta

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
SIZE = 64
KILLING_HOOK = """
import os, signal
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class KillingTranslationHook(Hook):
    priority = 'LOWEST'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == runner.cfg.get('kill_at'):
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def make_views(tmp_path):
    """Writer of registered pictures, shade (8-bit), depth (16-bit, mm) and rgb: balls."""

    def make(count: int = 5) -> Path:
        root = tmp_path / 'views'
        rng = np.random.default_rng(0)
        rows, columns = np.mgrid[:72, :72]
        for folder in ('shade', 'depth', 'rgb'):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            row, column = rng.integers(20, 52, 2)
            ball = np.hypot(rows - row, columns - column) < 15
            shade = np.where(ball, 200 - 3 * (rows - row), 90)
            depth = np.where(ball, 1000, 2000 + 5 * columns)
            rgb = np.stack([shade, shade // 2, np.where(ball, 40, 160)], -1)
            cv2.imwrite(str(root / 'shade' / f'{i}.png'), shade.astype(np.uint8))
            cv2.imwrite(str(root / 'depth' / f'{i}.png'), depth.astype(np.uint16))
            cv2.imwrite(str(root / 'rgb' / f'{i}.png'), rgb.astype(np.uint8)[..., ::-1])
        return root

    return make


@pytest.fixture
def translation_config(tmp_path, monkeypatch, make_views):
    """Writer of the config of a tiny training, with or without random augmentation."""
    (tmp_path / 'killing_translation_hook.py').write_text(KILLING_HOOK)
    monkeypatch.syspath_prepend(tmp_path)

    def make(random: bool = True, **options) -> str:
        loading = dict(
            type='LoadTranslationImages',
            domains=dict(
                rgb=dict(channels=3, dtype='uint8'),
                shade=dict(channels=1, dtype='uint8'),
                depth=dict(channels=1, dtype='uint16', missing=0, scale=0.05),
            ),
        )
        crop = dict(type='FixedCrop', keys=['img'], crop_size=(SIZE, SIZE))
        flip = dict(type='Flip', keys='img', direction='horizontal')
        resize = dict(type='Resize', keys='img', scale=(SIZE, SIZE), interpolation='area')
        pack = dict(type='PackTranslationInputs')
        dataset = dict(
            type='MultimodalTranslationDataset',
            data_root=str(make_views()),
            modalities=['shade', 'depth'],
            target='rgb',
            data_prefix=dict(shade='shade', depth='depth', rgb='rgb'),
        )
        val_dataloader = dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(**dataset, test_mode=True, pipeline=[loading, resize, pack]),
        )
        part = dict(
            type='OptimWrapper',
            optimizer=dict(type='Adam', lr=2e-3, betas=(0.5, 0.999)),
            accumulative_counts=2,
        )
        cfg = Config.fromfile(TOOLS.parent / 'configs' / '_base_' / 'translation_runtime.py')
        cfg.merge_from_dict(
            dict(
                custom_imports=dict(
                    imports=['mmamf', 'killing_translation_hook'],
                ),
                model=dict(
                    type='MultimodalPix2Pix',
                    data_preprocessor=dict(type='MultimodalTranslationDataPreprocessor'),
                    generator=dict(
                        type='SharedMultimodalUnetGenerator',
                        num_modalities=2,
                        base_channels=4,
                        image_size=SIZE,
                        fusion=dict(type='ChannelShufflePixelShiftFusion'),
                    ),
                    discriminator=dict(
                        type='MultimodalPatchDiscriminator', num_modalities=2, base_channels=4
                    ),
                ),
                train_dataloader=dict(
                    batch_size=2,
                    num_workers=0,
                    sampler=dict(type='InfiniteSampler', shuffle=True),
                    dataset=dict(
                        **dataset, pipeline=[loading, *([crop, flip] if random else [resize]), pack]
                    ),
                ),
                val_dataloader=val_dataloader,
                test_dataloader=val_dataloader,
                val_evaluator=dict(type='TranslationMetric'),
                test_evaluator=dict(type='TranslationMetric'),
                optim_wrapper=dict(
                    constructor='MultiOptimWrapperConstructor', generator=part, discriminator=part
                ),
                param_scheduler=[
                    dict(type='LinearLR', start_factor=1, end_factor=0.1, end=9, by_epoch=False)
                ],
                train_cfg=dict(type='IterBasedTrainLoop', max_iters=9, val_interval=4),
                val_cfg=dict(type='ValLoop'),
                test_cfg=dict(type='TestLoop'),
                custom_hooks=[dict(type='EMAHook'), dict(type='KillingTranslationHook')],
            )
        )
        cfg.default_hooks.logger.interval = 3
        cfg.default_hooks.checkpoint.update(interval=3, max_keep_ckpts=-1)
        cfg.merge_from_dict(options)
        path = tmp_path / 'translation.py'
        path.write_text('\n'.join(f'{k} = {v!r}' for k, v in cfg.to_dict().items()))
        return str(path)

    return make


@pytest.fixture
def train_in_two_processes(start_script):
    """Runner of tools/train.py in two gloo processes."""

    def run(*arguments: str) -> None:
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = str(free.getsockname()[1])
        processes = [start_script(__file__, str(rank), port, *arguments) for rank in range(2)]
        for process in processes:
            process.join(120)
            assert process.exitcode == 0

    return run


def assert_same(a, b, where='checkpoint'):
    """Compare nested containers of tensors and values exactly."""
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f'{where}.{key}')
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f'{where}[{i}]')
    else:
        assert a == b, where


def load_last(work_dir: Path) -> dict:
    return torch.load(work_dir / (work_dir / 'last_checkpoint').read_text(), weights_only=True)


def test_killed_training_ends_with_the_same_weights(tmp_path, translation_config, run_tool):
    # checkpoints at 3 and 6, so that the first is written while gradients accumulate
    config = translation_config()
    straight, killed = tmp_path / 'straight', tmp_path / 'killed'
    assert run_tool('train.py', config, '--work-dir', str(straight)) == 0
    resume = []
    for kill_at in (5, 8, 0):
        exit_code = run_tool(
            'train.py', config, '--work-dir', str(killed), *resume,
            '--cfg-options', f'kill_at={kill_at}',
        )  # fmt: skip
        assert exit_code == (-signal.SIGKILL if kill_at else 0)
        resume = ['--resume']
    a, b = load_last(straight), load_last(killed)
    assert a['exact_resume']['gradients'].keys() == set()  # the last iteration updates
    at_3 = torch.load(straight / 'iter_3.pth', weights_only=True)
    assert {'generator.alpha', 'discriminator.layers.0.weight'} & set(
        at_3['exact_resume']['gradients']
    )
    assert not torch.equal(
        at_3['ema_state_dict']['module.generator.alpha'],
        b['ema_state_dict']['module.generator.alpha'],
    )
    for key in ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers', 'exact_resume'):
        assert_same(a[key], b[key], key)


def test_two_processes_equal_one_on_the_joint_batch(
    tmp_path, translation_config, run_tool, train_in_two_processes
):
    part = {
        'optimizer': dict(_delete_=True, type='SGD', lr=1e-3),  # rounding must not grow
        'accumulative_counts': 2,
    }
    config = translation_config(
        random=False,
        **{
            'model.generator.dropout': 0,
            'optim_wrapper.generator': part,
            'optim_wrapper.discriminator': part,
            'train_cfg': dict(max_iters=8, val_interval=4),
            'default_hooks.checkpoint.interval': 4,
        },
    )
    alone, together = tmp_path / 'alone', tmp_path / 'together'
    assert run_tool('train.py', config, '--work-dir', str(alone)) == 0
    for options in (['--cfg-options', 'train_cfg.max_iters=4'], ['--resume', '--cfg-options']):
        train_in_two_processes(
            config, '--work-dir', str(together), *options, 'train_dataloader.batch_size=1'
        )
    a, b = load_last(alone), load_last(together)
    for key in ('state_dict', 'ema_state_dict'):
        assert a[key].keys() == b[key].keys()
        for name, value in a[key].items():
            if 'running' not in name:  # every process has its own
                torch.testing.assert_close(b[key][name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_the_tools_test_and_translate(tmp_path, monkeypatch, translation_config, run_tool):
    config = translation_config()
    work_dir, pictures, shown = (tmp_path / name for name in ('run', 'pictures', 'shown'))
    # where nothing has imported mmagic before the config asks for it
    command = [sys.executable, TOOLS / 'train.py', config, '--work-dir', work_dir, '--amp']
    monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=os.pathsep)  # of the hook
    subprocess.run(command, check=True)
    used = Config.fromfile(work_dir / 'translation.py').optim_wrapper
    expected = 'AmpOptimWrapper' if torch.cuda.is_available() else 'Bfloat16OptimWrapper'
    assert {used.generator.type, used.discriminator.type} == {expected}
    assert set(used) == {'constructor', 'generator', 'discriminator'}

    checkpoint = str(work_dir / (work_dir / 'last_checkpoint').read_text())
    options = ('--work-dir', str(work_dir), '--out', str(pictures), '--show-dir', str(shown))
    assert run_tool('test.py', config, checkpoint, *options) == 0
    metrics = load(max(work_dir.glob('*/*.json'), key=os.path.getmtime))
    assert {'MAE', 'MSE', 'shade/MAE', 'depth/MAE'} <= set(metrics)
    sheet = cv2.imread(str(shown / 'translation_sheet.png'))
    tiles = (sheet.shape[1] - 78) / (320 + 8)
    assert tiles == 6  # two inputs, two outputs, ensemble, truth

    # one at a time or in a batch: the same picture
    model = init_translator(config, checkpoint, 'cpu')
    views = tmp_path / 'views'
    for path in sorted(pictures.glob('*.png')):
        saved = cv2.imread(str(path))[..., ::-1]
        files = {name: views / name / path.name for name in ('depth', 'shade')}
        assert np.abs(translate(model, files).astype(int) - saved).max() <= 1
    assert len(list(pictures.iterdir())) == 5


def test_tta_is_refused():
    with pytest.raises(ValueError, match='--tta: expected a segmentation config'):
        use_tta(Config(dict(default_scope='mmagic')))


if __name__ == '__main__':
    rank, port, *arguments = sys.argv[1:]
    os.environ.update(
        RANK=rank, LOCAL_RANK=rank, WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=port
    )
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
    torch.set_num_threads(1)
    sys.path.insert(0, str(TOOLS))
    sys.argv = ['train.py', *arguments, '--launcher', 'pytorch']
    runpy.run_path(str(TOOLS / 'train.py'), run_name='__main__')
