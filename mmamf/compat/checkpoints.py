"""Checkpoints: safe loading, and resuming from a folder that was moved."""

import importlib
import logging
import os
from collections.abc import Callable

import numpy as np
import torch

from .wrap import wrap


def load_mmengine_checkpoints_safely() -> None:
    """Let mmengine's own checkpoints load while `torch.load` keeps `weights_only=True`.

    mmengine/runner/checkpoint.py:347 (load_from_local) calls `torch.load(file)`. Since torch 2.6,
    this refuses every class that is not allowed explicitly. The message hub in a checkpoint holds
    HistoryBuffer objects. mmengine/logging/history_buffer.py:211 (__getstate__) adds their
    statistics methods, which pickle writes as `getattr(HistoryBuffer, 'min')`. The builtin getattr
    could reach anything, so a function that knows only these four methods replaces it. Checkpoints
    of :class:`mmamf.engine.hooks.ExactResumeHook` do not need this fix.
    """
    from mmengine.logging import HistoryBuffer

    if not hasattr(torch.serialization, 'add_safe_globals'):
        return
    # allow both spellings, so that numpy 1 and 2 read each other's checkpoints
    core = 'numpy._core' if np.lib.NumpyVersion(np.__version__) >= '2.0.0' else 'numpy.core'
    multiarray = importlib.import_module(f'{core}.multiarray')
    allowed = [HistoryBuffer, np.ndarray, np.dtype, (_history_buffer_method, 'builtins.getattr')]
    allowed += [type(np.dtype(code)) for code in ('f8', 'f4', 'i8', 'i4', 'u1', '?')]
    for function in (multiarray._reconstruct, multiarray.scalar):
        for package in ('numpy.core', 'numpy._core'):
            allowed.append((function, f'{package}.multiarray.{function.__name__}'))
    torch.serialization.add_safe_globals(allowed)


def _history_buffer_method(owner: type, name: str) -> Callable:
    """Look up a statistics method of mmengine's HistoryBuffer.

    Raises:
        ValueError: If another attribute or class is asked for.
    """
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise ValueError(
            f'the checkpoint asks for the attribute {name!r} of {owner!r}, but only the statistics '
            'methods of mmengine.logging.HistoryBuffer are allowed: it was not written by mmengine'
        )
    return getattr(HistoryBuffer, name)


def resume_from_own_folder() -> None:
    """Let mmengine resume from the given folder, even if the folder was copied or moved.

    mmengine/runner/checkpoint.py:796 (find_latest_checkpoint) returns the path in
    `last_checkpoint`. mmengine writes an absolute path there, so a copied work dir would resume
    from the original folder. We write a file name, which mmengine would look for in the current
    directory. With this fix, a file of that name in the given folder comes first.
    """
    from mmengine import runner
    from mmengine.logging import print_log
    from mmengine.runner import _flexible_runner, checkpoint

    def find_latest_checkpoint(original: Callable, path: str) -> str | None:
        last = original(path)
        if last is None or '://' in last:
            return last
        own = os.path.join(path, os.path.basename(last))
        if os.path.isfile(own) or not os.path.dirname(last) or not os.path.isfile(last):
            return own
        print_log(
            f'{own} does not exist, but {last}, which last_checkpoint names, does: it is used.',
            logger='current',
            level=logging.WARNING,
        )
        return last

    for module in (checkpoint, runner, runner.runner, _flexible_runner):
        wrap(module, 'find_latest_checkpoint', find_latest_checkpoint)
