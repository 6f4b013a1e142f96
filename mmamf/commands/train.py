"""Trains a model from a config."""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import find_latest_checkpoint

from mmamf.configuration import select_modalities, set_length
from mmamf.engine import CheckedWeightsHook
from mmamf.engine.concise_runner import ConciseRunner as Runner
from mmamf.engine.standing_hooks import add_standing_hooks
from mmamf.engine.work_dir_lock import WorkDirLock

RANK = dict(pytorch='RANK', slurm='SLURM_PROCID')  # variables that launchers set


def find_checkpoint(resume: str, work_dir: str) -> str:
    """Return the path of the checkpoint to resume from.

    Args:
        resume: A path, or 'auto' for the latest checkpoint in the work dir.
        work_dir: Where checkpoints are written.

    Raises:
        FileNotFoundError: If there is none: starting from scratch is not what was asked for.
    """
    if resume != 'auto':
        if not Path(resume).is_file():
            raise FileNotFoundError(f'--resume {resume}: there is no such checkpoint')
        return resume
    last = find_latest_checkpoint(work_dir)
    if last is None:
        raise FileNotFoundError(
            f'--resume: expected a checkpoint in {work_dir}, but it has no file last_checkpoint; '
            'start without --resume, or name a checkpoint'
        )
    if '://' not in last and not Path(last).is_file():
        found = ', '.join(sorted(path.name for path in Path(work_dir).glob('*.pth')))
        raise FileNotFoundError(
            f'--resume: {Path(work_dir) / "last_checkpoint"} names {Path(last).name!r}, but there '
            f'is no such file in {work_dir}; there are: {found or "no checkpoints"}'
        )
    return last


def use_amp(optim_wrapper: dict) -> None:
    """Turn an optimizer wrapper's config, or those of several networks, into mixed precision.

    Raises:
        ValueError: If one is of a type for which there is none.
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
    """Return the local folders to which a training writes: work dir and that of checkpoints."""
    folders = [cfg.work_dir]
    out_dir = (cfg.default_hooks.checkpoint or {}).get('out_dir')
    if out_dir and '://' not in str(out_dir):  # as mmengine makes it
        folders.append(os.path.join(out_dir, Path(cfg.work_dir).resolve().name))
    return set(map(os.path.realpath, folders))


def train(args: argparse.Namespace) -> None:
    """Train.

    Args:
        args: What `tools/train.py` has read.
    """
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    cfg.merge_from_dict(args.cfg_options)
    names = args.modalities or []
    if args.modalities is not None:
        select_modalities(cfg, names)
    if args.length is not None:
        set_length(cfg, args.length)
    # command line, then config, then name of the config
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', '_'.join([Path(args.config).stem, *names])))
    if args.amp:
        use_amp(cfg.optim_wrapper)
    if args.resume is not None:
        cfg.resume = True
        try:
            cfg.load_from = find_checkpoint(args.resume, cfg.work_dir)
        except FileNotFoundError as error:
            sys.exit(str(error))
    add_standing_hooks(cfg)
    first = os.environ.get(RANK.get(cfg.launcher, ''), '0') == '0'
    with ExitStack() as stack:
        try:
            for folder in find_folders(cfg):
                stack.enter_context(WorkDirLock(folder, enabled=first))
        except (OSError, ValueError) as error:
            sys.exit(str(error))
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
        runner.register_hook(CheckedWeightsHook(for_test=False))
        runner.train()
