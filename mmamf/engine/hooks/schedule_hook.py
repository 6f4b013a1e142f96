import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper, _ParamScheduler
from mmengine.optim.scheduler import ReduceOnPlateauLR
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner, find_latest_checkpoint

from mmamf.engine.bare_model import bare_model
from mmamf.engine.check_optimizer import check_optimizer, wrappers_of
from mmamf.engine.replay import replay

# entries of a scheduler's state that are not settings
PROGRESS = ('last_step', '_global_step', '_last_value', 'base_values', 'verbose', 'anneal_func')


@HOOKS.register_module()
class ScheduleHook(Hook):
    """Makes the learning rate follow the config, above all in a resumed training.

    - Resuming from a checkpoint without optimizer or schedule, such as the best one, is refused.
      mmengine would restart the schedule in the middle of training.
    - Resuming from a checkpoint with another optimizer or other parameter groups is refused,
      because their state does not fit.
    - If the schedule of the config differs from that of the checkpoint, for example if it is
      longer, the rate follows the config, as if training had used it from the start. mmengine would
      follow the checkpoint's schedule, and keep its lowest rate for all added iterations.
    - If rates or weight decays of the config differ from those of the checkpoint, there is a
      warning, and the checkpoint wins.
    - There are also warnings if nothing is left to train, if a schedule reaches its low end before
      training ends, if it counts epochs but training counts iterations, if its ``eta_min`` raises a
      small rate, if all rates are zero, and if no parameter matches one of the ``custom_keys``.

    Raises:
        ValueError: If training is resumed from an incomplete checkpoint, or from one with another
            optimizer.
    """

    def __init__(self) -> None:
        self._other_schedule = ''

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check a checkpoint from which training is resumed."""
        if not runner._resume or not hasattr(runner.optim_wrapper, 'state_dict'):
            return
        _check_complete(runner, checkpoint)
        check_optimizer(runner, checkpoint)
        _compare_rates(runner, checkpoint)
        states = checkpoint.get('param_schedulers')
        if states is None or runner.param_schedulers is None:
            return
        difference = _difference(_flat(runner.param_schedulers), _flat(states))
        if not difference:
            return
        if all(_replayable(scheduler) for scheduler in _flat(runner.param_schedulers)):
            del checkpoint['param_schedulers']  # keeps the schedulers of the config
            self._other_schedule = difference
        else:
            _warn(
                f'The schedule of the config is not that of the checkpoint ({difference}), and '
                'its kind cannot start in the middle: training keeps that of the checkpoint.'
            )

    def before_train(self, runner: Runner) -> None:
        """Advance a new schedule to the iteration where training starts, and warn of mistakes."""
        if runner.iter >= runner.max_iters:
            _warn(
                f'Nothing is left to train: the checkpoint is of iteration {runner.iter}, the '
                f'config asks for {runner.max_iters}.'
            )
        if self._other_schedule:
            for wrapper, schedulers in _pairs(runner):
                before = wrapper.param_groups[-1]['lr']
                epochs = ()
                if isinstance(runner.train_loop, EpochBasedTrainLoop):
                    epochs = (runner.epoch, len(runner.train_loop.dataloader))
                replay(wrapper, schedulers, runner.iter, *epochs)
                _warn(
                    'The schedule of the config is not that of the checkpoint '
                    f'({self._other_schedule}): from iteration {runner.iter} on, training follows '
                    f'the config. The learning rate is {wrapper.param_groups[-1]["lr"]:.4g} '
                    f'instead of {before:.4g}.'
                )
            self._other_schedule = ''
        parameters = bare_model(runner.model).named_parameters()
        names = {id(parameter): name for name, parameter in parameters}
        _warn_of_unused_keys(runner, names.values())
        for wrapper, schedulers in _pairs(runner):
            _warn_of_early_end(runner, schedulers)
            _warn_of_floor(wrapper, schedulers, names)


def _check_complete(runner: Runner, checkpoint: dict) -> None:
    missing = [key for key in ('meta', 'message_hub', 'optimizer') if key not in checkpoint]
    if runner.param_schedulers and 'param_schedulers' not in checkpoint:
        missing.append('param_schedulers')
    if not missing:
        return
    path = Path(runner._load_from or find_latest_checkpoint(runner.work_dir))
    meta = checkpoint.get('meta', {})
    names = [f'{unit}_{meta.get(unit)}.pth' for unit in ('iter', 'epoch')]
    others = [path.with_name(name) for name in names]
    if (path.parent / 'last_checkpoint').is_file():
        others.append(Path(find_latest_checkpoint(str(path.parent))))
    complete = next((str(o) for o in others if o.is_file() and o.name != path.name), None)
    raise ValueError(
        f'Cannot resume from {path}: expected weights, optimizer and schedule, got a checkpoint '
        f'without {" and ".join(missing)}. (The best checkpoints hold weights only.) Resume from '
        + (complete or 'a checkpoint of training, iter_*.pth or epoch_*.pth')
        + f'; or, to start a new training from these weights, set load_from={path} without resuming'
    )


def _warn_of_unused_keys(runner: Runner, names: Collection[str]) -> None:
    """Warn of ``custom_keys`` that no parameter name contains."""
    config = runner.cfg.get('optim_wrapper')
    config = config if isinstance(config, Mapping) else {}
    for part in [config, *(part for part in config.values() if isinstance(part, Mapping))]:
        keys = (part.get('paramwise_cfg') or {}).get('custom_keys') or ()
        unused = [key for key in keys if not any(key in name for name in names)]
        if unused:
            _warn(
                f'optim_wrapper.paramwise_cfg.custom_keys: no parameter has {unused} in its name, '
                f'so they change nothing. An example of a name is {[*names][0]}.'
            )


def _compare_rates(runner: Runner, checkpoint: dict) -> None:
    """Warn of rates and weight decays that the checkpoint overrides."""
    states = checkpoint['optimizer']
    for name, wrapper in wrappers_of(runner):
        groups = (states[name] if name else states)['param_groups']
        rate = 'initial_lr' if runner.param_schedulers else 'lr'
        for key in (rate, 'stage_lrs', 'weight_decay'):
            for here, there in zip(wrapper.param_groups, groups):
                if key in here and key in there and here[key] != there[key]:
                    _warn(
                        f'{key.removeprefix("initial_")}: the config says {here[key]}, the '
                        f'checkpoint {there[key]}, which a resumed training keeps. To use the '
                        'value of the config, start a new training with load_from.'
                    )
                    break


def _difference(schedulers: list[_ParamScheduler], states: list[dict]) -> str:
    """Name the first setting in which schedulers differ from their states in a checkpoint."""
    if len(schedulers) != len(states):
        return f'{len(states)} -> {len(schedulers)} schedulers'
    for scheduler, there in zip(schedulers, states):
        if isinstance(scheduler, ReduceOnPlateauLR):
            continue
        here = scheduler.state_dict()
        for key in [*there, *(key for key in here if key not in there)]:
            if key in PROGRESS or _plain(here.get(key)) == _plain(there.get(key)):
                continue
            name = f'{type(scheduler).__name__}.{key}'
            return f'{name}: {_plain(there.get(key))} -> {_plain(here.get(key))}'
    return ''


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _replayable(scheduler: _ParamScheduler) -> bool:
    return scheduler.param_name == 'lr' and not isinstance(scheduler, ReduceOnPlateauLR)


def _warn_of_early_end(runner: Runner, schedulers: list[_ParamScheduler]) -> None:
    """Warn of a schedule that ends at a low rate before training ends."""

    def length(scheduler: _ParamScheduler) -> int:
        return runner.max_epochs if scheduler.by_epoch else runner.max_iters

    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        for scheduler in schedulers:
            if scheduler.by_epoch:
                _warn(
                    f'{type(scheduler).__name__} counts epochs, but training counts iterations: '
                    'the learning rate stays as it is. Set by_epoch=False in param_scheduler.'
                )
        schedulers = [scheduler for scheduler in schedulers if not scheduler.by_epoch]
    if not schedulers:
        return
    last = max(schedulers, key=lambda scheduler: scheduler.end / length(scheduler))
    falls = hasattr(last, 'eta_min') or getattr(last, 'end_factor', 1) < getattr(
        last, 'start_factor', 1
    )
    if falls and last.end < length(last):
        unit = 'epoch' if last.by_epoch else 'iteration'
        _warn(
            f'{type(last).__name__}: the schedule ends at {unit} {last.end}, training at '
            f'{length(last)}: in between the learning rate stays at its lowest value. Set '
            f'end={length(last)} in param_scheduler to spread it over the whole training.'
        )


def _warn_of_floor(
    wrapper: OptimWrapper, schedulers: list[_ParamScheduler], names: dict[int, str]
) -> None:
    """Warn if a group's rate is below the schedule's ``eta_min``, or if all rates are zero."""
    groups = wrapper.optimizer.param_groups
    rates = [group.get('initial_lr', group['lr']) for group in groups]
    if not any(rates) and not any('stage_lrs' in vars(scheduler) for scheduler in schedulers):
        _warn('Every learning rate of the optimizer is 0: nothing will be trained.')
    for scheduler in schedulers:
        floor = getattr(scheduler, 'eta_min', None) or 0
        low = [i for i, rate in enumerate(rates) if 0 < rate < floor]
        if low:
            name = names.get(id(groups[low[0]]['params'][0]), f'group {low[0]}')
            _warn(
                f'{type(scheduler).__name__}: eta_min={floor:.4g} is above the learning rate of '
                f'{len(low)} parameter group(s), for example {rates[low[0]]:.4g} of {name}: their '
                'rate rises during training. Choose a lower eta_min.'
            )


def _pairs(runner: Runner) -> Iterator[tuple[OptimWrapper, list[_ParamScheduler]]]:
    """Yield each optimizer with the schedulers of its learning rate."""
    schedulers = runner.param_schedulers or []
    for name, wrapper in wrappers_of(runner):
        own = schedulers.get(name, []) if isinstance(schedulers, dict) else schedulers
        yield wrapper, [scheduler for scheduler in own if _replayable(scheduler)]


def _flat(schedulers: list | dict) -> list:
    if isinstance(schedulers, dict):
        return [scheduler for name in sorted(schedulers) for scheduler in schedulers[name]]
    return list(schedulers)


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)
