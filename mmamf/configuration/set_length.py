from collections.abc import Iterator

from mmengine.config import Config

# keys of schedulers that count iterations or epochs
STEPS = ('begin', 'end', 'T_max', 'step_size', 'total_steps')
LISTS = ('milestones', 'periods')


def set_length(config: Config, length: int) -> None:
    """Change the length of a training, and everything that is measured in its steps, in place.

    Begin, end, period and milestones of the learning rate schedules are scaled by the same factor.
    The intervals of validation and checkpoints are scaled, too, and rounded up. So a short training
    has no more of them than the config, and mmengine always validates and saves at the end.

    Args:
        config: The config.
        length: The new number of iterations, or of epochs in a config that counts epochs.

    Raises:
        ValueError: If the length is not positive, or the config does not say how long it trains.
    """
    train = config.get('train_cfg') or {}
    unit = next((key for key in ('max_iters', 'max_epochs') if train.get(key)), None)
    if unit is None or length < 1:
        raise ValueError(
            '--length: expected at least 1, and a config with train_cfg.max_iters or '
            f'train_cfg.max_epochs, got {length} and train_cfg = {dict(train)}'
        )
    old, train[unit] = train[unit], length
    factor = length / old
    for scheduler in _schedulers(config.get('param_scheduler')):
        _scale(scheduler, factor)
    checkpoint = (config.get('default_hooks') or {}).get('checkpoint') or {}
    for owner, key in ((train, 'val_interval'), (train, 'val_begin'), (checkpoint, 'interval')):
        if isinstance(owner.get(key), int) and owner[key] > 0:
            # rounded up, so that there are no more of them than before
            owner[key] = -(-owner[key] * length // old)


def _scale(scheduler: dict, factor: float) -> None:
    for key in STEPS:
        if isinstance(scheduler.get(key), int):
            scheduler[key] = round(scheduler[key] * factor)
    for key in LISTS:
        if key in scheduler:
            scheduler[key] = [max(1, round(step * factor)) for step in scheduler[key]]
    if isinstance(scheduler.get('end'), int):  # mmengine divides by the steps from begin to end
        scheduler['end'] = max(scheduler['end'], scheduler.get('begin', 0) + 2)


def _schedulers(value: object) -> Iterator[dict]:
    """Yield the schedulers. A config has one, several, or several for each network."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _schedulers(item)
    elif isinstance(value, dict) and 'type' in value:
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _schedulers(item)
