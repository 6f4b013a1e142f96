"""Hooks that watch over every training, whatever its config lists."""

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

STANDING = ('FiniteTrainingHook', 'LabelCheckHook', 'ScheduleHook')


def add_standing_hooks(cfg: Config, names: Sequence[str] = STANDING) -> None:
    """Add hooks to a config of a training where they are absent.

    mmengine's CheckpointHook is exchanged for AtomicCheckpointHook, which takes the same arguments:
    the former removes the best checkpoint of another folder from which training was resumed, and a
    good checkpoint before the next one is known to be good.

    Args:
        cfg: Config of a training, which is changed.
        names: Types of the hooks.
    """
    default = cfg.get('default_hooks') or {}
    checkpoint = default.setdefault('checkpoint', dict(type='CheckpointHook', interval=1))
    # a strategy (DeepSpeed, FSDP) writes folders
    if _name(checkpoint) == 'CheckpointHook' and 'strategy' not in cfg:
        checkpoint['type'] = 'AtomicCheckpointHook'
    cfg.default_hooks = default
    custom = list(cfg.get('custom_hooks') or [])
    present = {_name(hook) for hook in [*default.values(), *custom]}
    cfg.custom_hooks = custom + [dict(type=name) for name in names if name not in present]


def _name(hook: Any) -> str | None:
    """Return the bare name of a hook's type, given its config or the hook itself."""
    kind = hook.get('type') if isinstance(hook, dict) else type(hook)
    return kind.split('.')[-1] if isinstance(kind, str) else getattr(kind, '__name__', None)
