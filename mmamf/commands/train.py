"""Trains a model from a config."""

import argparse
import os
from contextlib import ExitStack
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import find_latest_checkpoint

from mmamf.configuration import set_length
from mmamf.engine.concise_runner import ConciseRunner as Runner
from mmamf.engine.hooks import CheckedWeightsHook
from mmamf.engine.standing_hooks import add_standing_hooks
from mmamf.engine.work_dir_lock import WorkDirLock
from mmamf.weights.read_checkpoint import check_is_file

from .read_config import read_config

RANK = dict(pytorch='RANK', slurm='SLURM_PROCID')  # environment variables set by launchers


def find_checkpoint(resume: str, work_dir: str) -> str:
    """Return the path of the checkpoint to resume from.

    Args:
        resume: A path, or 'auto' for the latest checkpoint in the work dir.
        work_dir: Where checkpoints are written.

    Raises:
        FileNotFoundError: If there is none; training must not start from scratch unasked.
    """
    if resume != 'auto':
        try:
            check_is_file(resume)
        except FileNotFoundError as error:
            raise FileNotFoundError(f'--resume {error}') from error
        return resume
    last = find_latest_checkpoint(work_dir)
    if last is None:
        raise FileNotFoundError(
            f'--resume: expected a checkpoint in {work_dir}, but it has no file last_checkpoint; '
            'start without --resume, or name a checkpoint'
        )
    note = Path(work_dir) / 'last_checkpoint'
    named = note.read_text().strip()
    if not named or ('://' not in last and not Path(last).is_file()):
        found = find_checkpoints(work_dir)
        names = ', '.join(path.name for path in found)
        hint = f'; name the newest: --resume {found[-1]}' if found else ''
        raise FileNotFoundError(
            f'--resume: {note} '
            + (f'names {Path(named).name!r}, but there is no such file' if named else 'is empty')
            + f' in {work_dir}; there are: {names or "no checkpoints"}{hint}'
        )
    return last


def find_checkpoints(folder: str) -> list[Path]:
    """List the checkpoints in a folder by age, with those that training can resume from last."""
    paths = Path(folder).glob('*.pth')
    return sorted(
        paths, key=lambda path: (path.name.startswith(('iter_', 'epoch_')), path.stat().st_mtime)
    )


def use_amp(optim_wrapper: dict) -> None:
    """Change the config of one or several optimizer wrappers to mixed precision.

    Raises:
        ValueError: If a wrapper's type has no form with mixed precision.
    """
    if 'constructor' in optim_wrapper and 'optimizer' not in optim_wrapper:  # one per network
        for part in optim_wrapper.values():
            if isinstance(part, dict):
                use_amp(part)
        return
    kind = optim_wrapper.get('type', 'OptimWrapper')
    if kind in ('AmpOptimWrapper', 'Bfloat16OptimWrapper'):
        return
    if kind != 'OptimWrapper':
        raise ValueError(f'--amp: expected optim_wrapper.type OptimWrapper, got {kind}')
    if torch.cuda.is_available():
        optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    else:
        optim_wrapper.update(type='Bfloat16OptimWrapper')
    print(f'--amp: {optim_wrapper["type"]}')


def find_folders(cfg: Config) -> set[str]:
    """Return the local folders to which a training writes: work dir and checkpoint folder."""
    folders = [cfg.work_dir]
    out_dir = (cfg.default_hooks.checkpoint or {}).get('out_dir')
    if out_dir and '://' not in str(out_dir):  # the same folder as mmengine
        folders.append(os.path.join(out_dir, Path(cfg.work_dir).resolve().name))
    return set(map(os.path.realpath, folders))


def train(args: argparse.Namespace) -> None:
    """Run a training, given the arguments of `tools/train.py`."""
    cfg = read_config(args)
    if args.length is not None:
        set_length(cfg, args.length)
    if args.amp:
        use_amp(cfg.optim_wrapper)
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = find_checkpoint(args.resume, cfg.work_dir)
    add_standing_hooks(cfg)
    first = os.environ.get(RANK.get(cfg.launcher, ''), '0') == '0'
    with ExitStack() as stack:
        folders = find_folders(cfg)
        for folder in folders:
            stack.enter_context(WorkDirLock(folder, enabled=first))
        found = [] if cfg.get('resume') else [p for f in folders for p in find_checkpoints(f)]
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
        if found:
            names = ', '.join(path.name for path in found)
            runner.logger.warning(
                f'{found[-1].parent} has checkpoints of an earlier training: {names}. This one '
                'starts anew, and may replace them; --resume continues the earlier one'
            )
        runner.register_hook(
            CheckedWeightsHook(for_test=False, allow_different_config=args.allow_different_config)
        )
        runner.train()
