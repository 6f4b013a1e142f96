"""Finds the places inside a network where fusion operators enter and leave."""

import copy
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from typing import Any

import torch
from mmseg.utils import ConfigType
from torch import Tensor, nn

from ..fusions import FusionOperator
from ..norms import ModalitySpecificNorm
from ..share_batch import share_batch
from .fused_place import (
    FusedPlace,
    check_input,
    check_output,
    find_hw_shape,
    fuse,
    read_channels,
    separate,
)
from .sharing import build_operator

_SHOWN = 10  # names in an error


def fuse_places(
    network: nn.Module, places: Sequence[str], fusion: ConfigType, num_modalities: int
) -> dict[str, FusionOperator]:
    """Put an operator around each of some modules of a network, as :class:`FusedPlace` describes.

    Args:
        network: The network, changed in place.
        places: Names of the modules.
        fusion: Config of the operators.
        num_modalities: Number of modalities M.

    Returns:
        The operators, by the names of the modules.

    Raises:
        ValueError: If an operator cannot be built, or has a loss that activation checkpointing
            would lose.
    """
    operators = {}
    for name in places:
        place = network.get_submodule(name)
        _, channels = read_channels(place) or (None, None)
        norms = [
            norm
            for norm in place.modules()
            if isinstance(norm, ModalitySpecificNorm)
            and read_channels(norm) in ((1, channels), (-1, channels))
        ]
        operators[name] = build_operator(fusion, num_modalities, channels, *norms[-1:])
        fuse(place, operators[name])
    has_losses = any(operator.keeps_losses for operator in operators.values())
    if has_losses and any(getattr(module, 'with_cp', False) for module in network.modules()):
        raise ValueError(
            f'fuse_at: the loss of {fusion["type"]} would get lost in the activation checkpointing '
            f'of {type(network).__name__}: expected with_cp=False'
        )
    return operators


def find_places(network: nn.Module, patterns: Sequence[str]) -> list[str]:
    """List the modules of a network whose names fit a pattern.

    A pattern has as many parts between dots as the name, each for :func:`fnmatch.fnmatchcase`. So a
    ``*`` does not reach inside modules: ``layers.*.1.*`` names blocks, not their parts.

    Args:
        network: The network.
        patterns: Names or patterns.

    Raises:
        ValueError: If a pattern fits no name, or a module is a norm, is inside another place, or
            has several names.
    """
    if isinstance(patterns, str) or not patterns:
        raise ValueError(f'fuse_at: expected a list of names of modules, got {patterns!r}')
    named = _names(network)
    places: dict[str, None] = {}
    for pattern in patterns:
        fitting = [name for name in named if _fits(name, pattern)]
        if not fitting:
            raise ValueError(
                f'fuse_at: {pattern!r} fits no module of {type(network).__name__}; the closest '
                f'names are {_closest(pattern, named)}'
            )
        places.update(dict.fromkeys(fitting))
    uses = Counter(named.values())
    for name in places:
        outer = [other for other in places if name.startswith(f'{other}.')]
        if outer:
            raise ValueError(f'fuse_at: {name!r} is inside {outer[0]!r}, which is a place, too')
        if uses[named[name]] > 1:
            raise ValueError(f'fuse_at: {name!r} is used in several places of the network')
        if isinstance(named[name], ModalitySpecificNorm):
            raise ValueError(f'fuse_at: {name!r} is a norm: expected the module that contains it')
    return [*places]


def closest_places(network: nn.Module, num_modalities: int, x: Tensor, name: str) -> str:
    """Name the modules of a network that could be fused, those with similar names first.

    It runs a copy of the network without operators.

    Args:
        network: The network, with operators inside.
        num_modalities: Number of modalities M.
        x: The input that the network failed with, (N, M*C, H, W).
        name: Name of the module that cannot be fused.
    """
    plain = copy.deepcopy(network)
    for place in plain.modules():
        if isinstance(place, FusedPlace):
            separate(place)
    batch = share_batch(plain, num_modalities)
    fits: dict[nn.Module, bool] = {}

    def look(module: nn.Module, args: tuple, kwargs: dict, out: Any) -> None:
        x, *rest = args or (None,)
        try:
            check_input(module, batch, x, find_hw_shape(module, rest, kwargs))
            check_output(module, x, out)
        except ValueError:
            fits[module] = False
        fits.setdefault(module, True)

    named = _names(plain)
    uses = Counter(named.values())
    for module in uses:
        module.register_forward_hook(look, with_kwargs=True)
    with torch.no_grad():
        batch.run(plain, x)
    return _closest(
        name,
        (
            other
            for other, module in named.items()
            if fits.get(module)
            and other != name
            and uses[module] == 1
            and not isinstance(module, ModalitySpecificNorm)
        ),
    )


def _names(network: nn.Module) -> dict[str, nn.Module]:
    """List the modules inside a network by all their names."""
    return {name: m for name, m in network.named_modules(remove_duplicate=False) if name}


def _fits(name: str, pattern: str) -> bool:
    names, patterns = name.split('.'), pattern.split('.')
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))


def _closest(name: str, names: Iterable[str]) -> str:
    found = sorted(names, key=lambda other: -SequenceMatcher(None, name, other).ratio())
    return ', '.join(map(repr, found[:_SHOWN])) or 'none'
