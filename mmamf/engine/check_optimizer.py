"""Compare the optimizers of a checkpoint with those of a config."""

from collections.abc import Iterator, Mapping

from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

from mmamf.weights import read_embedded_config

_OWN = ('betas', 'momentum')  # settings that distinguish optimizers without a config


def check_optimizer(runner: Runner, checkpoint: dict) -> None:
    """Refuse a checkpoint with another optimizer or other parameter groups.

    Args:
        runner: The runner of the training that is resumed.
        checkpoint: The checkpoint.

    Raises:
        ValueError: If the optimizers have other types, settings or numbers of parameters.
    """
    try:
        trained = read_embedded_config(checkpoint) or {}
    except ValueError:  # reported already when the configs were compared
        trained = {}
    states = checkpoint['optimizer']
    for name, wrapper in wrappers_of(runner):
        stored = (states[name] if name else states)['param_groups']
        both = (stored, wrapper.optimizer.param_groups)
        kinds = [_optimizer_type(trained, name), type(wrapper.optimizer).__name__]
        sizes = [[len(group['params']) for group in groups] for groups in both]
        own = [{key for key in _OWN if any(key in g for g in groups)} for groups in both]
        if kinds[0] not in (None, kinds[1]) or sizes[0] != sizes[1] or own[0] != own[1]:
            there, here = (
                f'{kind or "another optimizer"} with {len(size)} parameter group(s) of {sum(size)} '
                'parameter(s)'
                for kind, size in zip(kinds, sizes)
            )
            raise ValueError(
                f'Cannot resume from {runner._load_from or runner.work_dir}: expected the state of '
                f'the optimizer of the config{name and f" ({name})"}, {here}, got that of {there}. '
                'Resume with the optim_wrapper of the checkpoint; or, to start a new training from '
                'its weights, set load_from without resuming'
            )


def _optimizer_type(config: Mapping, name: str) -> str | None:
    wrapper = config.get('optim_wrapper') or {}
    kind = (((wrapper.get(name) or {}) if name else wrapper).get('optimizer') or {}).get('type')
    return None if kind is None else str(getattr(kind, '__name__', kind)).split('.')[-1]


def wrappers_of(runner: Runner) -> Iterator[tuple[str, OptimWrapper]]:
    """Yield each optimizer wrapper with its name, '' if there is only one."""
    wrapper = runner.optim_wrapper
    yield from wrapper.items() if isinstance(wrapper, OptimWrapperDict) else [('', wrapper)]
