"""Says a choice of a plan in words."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .choice import Choice
from .rules.labels import percent, some_of
from .rules.schedule import Schedule
from .rules.size import Size


def tell_choice(name: str, choice: Choice) -> str:
    """Say a choice: its value in short, and why it was chosen.

    The reasons of classes, labels and modalities name their values already.

    Args:
        name: Its name.
        choice: The choice.
    """
    return f'{SHORT[name](choice.value)}. {choice.reason}' if name in SHORT else choice.reason


def _size(size: Size) -> str:
    height, width = size.train
    kind = 'crops of ' if size.crop else '' if size.alike else 'at most '
    return f'{kind}{width} x {height} px (scale {size.scale:g})'


def _test(config: Mapping[str, Any]) -> str:
    if config['mode'] == 'whole':
        return 'whole images'
    height, width = config['crop_size']
    return f'windows of {width} x {height} px'


def _schedule(schedule: Schedule) -> str:
    return f'{schedule.iterations} iterations, validated every {schedule.interval}'


def _loss(weights: list[float] | None) -> str:
    return f'weights {some_of([f"{weight:g}" for weight in weights])}' if weights else 'no weights'


def _strength(strength: Mapping[str, Any]) -> str:
    scales = ['scales {:g} to {:g}'.format(*strength['scales'])] if strength['scales'] else []
    return ' and '.join([*scales, *(['colors'] if strength['colors'] else [])]) or 'flips only'


SHORT: dict[str, Callable[[Any], str]] = dict(
    size=_size,
    test=_test,
    network=lambda rung: rung.name,
    weights=lambda checkpoint: Path(checkpoint).name or 'none',
    batch_size=str,
    schedule=_schedule,
    learning_rate='{:g}'.format,
    precision=str,
    loss=_loss,
    crop=lambda config: config['type'],
    sampling=lambda threshold: f'threshold {percent(threshold)}' if threshold else 'none',
    flips=lambda directions: ', '.join(directions) or 'none',
    strength=_strength,
    exchange_dropout=lambda rate: 'none' if rate is None else f'{rate:g}',
    workers=str,
    metric=str,
)
