from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

STANDING = ('FiniteTrainingHook', 'LabelCheckHook', 'ScheduleHook')


def add_standing_hooks(cfg: Config, names: Sequence[str] = STANDING) -> None:
    """Add hooks to the config of a training if it lacks them.

    AtomicCheckpointHook replaces mmengine's CheckpointHook and takes the same arguments.
    CheckpointHook removes an old checkpoint before the new one is complete. If training is resumed
    from another folder, it also removes the best checkpoint there.

    Args:
        cfg: Config of a training. It is changed in place.
        names: Types of the hooks.
    """
    default = cfg.get('default_hooks') or {}
    checkpoint = default.setdefault('checkpoint', dict(type='CheckpointHook', interval=1))
    # with a strategy (DeepSpeed, FSDP), checkpoints are folders
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
