"""A training that was killed again and again ends with the weights of one that was not."""

import signal

import pytest
import torch

KILLING_HOOK = '''
import os, signal
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
import mmamf.engine.atomic_local_backend as backend


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class KillingHook(Hook):
    """Kills the process at `kill_at`: 'iter:7', 'val:1' (batch of validation), 'sync:3' (fsync)."""

    priority = 'LOWEST'

    def before_run(self, runner):
        self.where, number = runner.cfg.get('kill_at', 'never:0').split(':')
        self.number = int(number)
        if self.where == 'sync':
            self.fsync, os.fsync = os.fsync, self.count

    def count(self, file):
        self.number -= 1
        if self.number == 0:
            die()
        self.fsync(file)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if self.where == 'iter' and runner.iter + 1 == self.number:
            die()

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        if self.where == 'val' and batch_idx == self.number:
            die()
'''


@pytest.fixture
def killable_config(tmp_path, monkeypatch, tiny_config):
    (tmp_path / 'killing_hook.py').write_text(KILLING_HOOK)
    monkeypatch.syspath_prepend(tmp_path)

    def make(**options) -> str:
        return tiny_config(
            custom_imports=dict(imports=['mmamf', 'killing_hook']),
            custom_hooks=[dict(type='EMAHook'), dict(type='KillingHook')],
            **options,
        )

    return make


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


def load_last(work_dir):
    path = work_dir / (work_dir / 'last_checkpoint').read_text()
    # no allow-list: the class that torch would have to be told about must not be in there
    with torch.serialization.safe_globals([]):
        allowed = torch.serialization.get_safe_globals()
        torch.serialization.clear_safe_globals()
        try:
            return torch.load(path, weights_only=True)
        finally:
            torch.serialization.add_safe_globals(allowed)


def timeless(hub):
    """Logged scalars without those that measure time."""
    return {k: v for k, v in hub['log_scalars'].items() if 'time' not in k}


@pytest.mark.parametrize('loop', ['iter', 'epoch', 'epoch saved by iter'])
def test_killed_training_ends_with_the_same_weights(tmp_path, killable_config, run_tool, loop):
    options = dict(loop=loop.split()[0])
    if loop == 'epoch saved by iter':
        # among them checkpoints in the middle of an epoch and of accumulating gradients
        options['default_hooks.checkpoint'] = dict(by_epoch=False, interval=3)
    config = killable_config(**options)
    straight, killed = tmp_path / 'straight', tmp_path / 'killed'
    assert run_tool('train.py', config, '--work-dir', str(straight)) == 0

    resume = []
    # before and between checkpoints, while one is written, before it is named, in a validation;
    # the number of workers makes no difference either
    for i, kill_at in enumerate(('iter:5', 'sync:1', 'sync:3', 'val:1', 'iter:11', 'never:0')):
        workers = i % 2 * 2
        overrides = (f'kill_at={kill_at}', f'train_dataloader.num_workers={workers}')
        exit_code = run_tool(
            'train.py', config, '--work-dir', str(killed), *resume, '--cfg-options', *overrides
        )
        assert exit_code == (0 if kill_at == 'never:0' else -signal.SIGKILL)
        resume = ['--resume']

    a, b = load_last(straight), load_last(killed)
    for key in ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers', 'exact_resume'):
        assert_same(a[key], b[key], key)
    assert_same(timeless(a['message_hub']), timeless(b['message_hub']))
    for directory in (straight, killed):
        names = sorted(path.name for path in directory.glob('*.pth'))
        assert names == sorted(path.name for path in straight.glob('*.pth'))
        assert not list(directory.glob('.*.tmp'))
