"""Finds modules of a network by patterns of their names."""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from fnmatch import fnmatchcase

from torch import nn

_SHOWN = 10  # names in an error


def find_modules(network: nn.Module, patterns: Sequence[str], argument: str) -> list[str]:
    """List the names of the modules inside a network that fit a pattern.

    A pattern has as many parts between dots as the name, each for :func:`fnmatch.fnmatchcase`. So a
    ``*`` does not reach inside modules: ``layers.*.1.*`` names blocks, not their parts.

    Args:
        network: The network.
        patterns: Names or patterns.
        argument: The argument that gave the patterns, for error messages.

    Raises:
        ValueError: If a pattern fits no name.
    """
    if isinstance(patterns, str) or not patterns:
        raise ValueError(f'{argument}: expected a list of names of modules, got {patterns!r}')
    named = named_inside(network)
    found: dict[str, None] = {}
    for pattern in patterns:
        fitting = [name for name in named if _fits(name, pattern)]
        if not fitting:
            raise ValueError(
                f'{argument}: {pattern!r} fits no module of {type(network).__name__}; the closest '
                f'names are {closest_names(pattern, named)}'
            )
        found.update(dict.fromkeys(fitting))
    return [*found]


def named_inside(network: nn.Module) -> dict[str, nn.Module]:
    """List the modules inside a network by all their names."""
    return {name: m for name, m in network.named_modules(remove_duplicate=False) if name}


def closest_names(name: str, names: Iterable[str]) -> str:
    """Write the names that are most similar to a name."""
    found = sorted(names, key=lambda other: -SequenceMatcher(None, name, other).ratio())
    return ', '.join(map(repr, found[:_SHOWN])) or 'none'


def _fits(name: str, pattern: str) -> bool:
    names, patterns = name.split('.'), pattern.split('.')
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))
