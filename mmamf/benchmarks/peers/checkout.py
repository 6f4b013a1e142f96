"""Builds a network from a user's checkout of somebody else's code."""

import importlib
import inspect
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from torch import nn


class Source(NamedTuple):
    """Where the authors' code defines a network.

    Args:
        url: Their repository.
        file: File of the definition, from the top of a checkout.
        name: Class, or function that builds the network.
        packages: Top-level packages of the checkout that this file imports.
        stand_ins: Modules that are imported in place of others, by name, with what they contain.
    """

    url: str
    file: str
    name: str
    packages: Sequence[str]
    stand_ins: Mapping[str, Mapping[str, Any]]


def build_from(checkout: str | Path, source: Source, **arguments) -> nn.Module:
    """Build a network from a checkout. Nothing in the checkout is changed.

    While this function runs, the packages of the checkout and the stand-ins hide other modules with
    the same names. Later on, the modules are as before.

    Args:
        checkout: Top folder of the checkout.
        source: What to import.
        **arguments: Arguments of the class or function.

    Raises:
        FileNotFoundError: If there is no such folder, or it does not have the file.
        ValueError: If the file cannot be imported, or does not have the class or function, it takes
            other arguments, or does not build a network.
    """
    folder, where = Path(checkout), f'{source.file} of {source.url}'
    if not folder.is_dir():
        raise FileNotFoundError(f'expected a checkout of {source.url}, but {folder} is no folder')
    if not (folder / source.file).is_file():
        found = sorted(path.name for path in folder.iterdir())[:8]
        raise FileNotFoundError(
            f'{folder}: expected {where}, got a folder without that file, which has {found}'
        )
    module = source.file.removesuffix('.py').replace('/', '.')
    with _modules(folder, source), warnings.catch_warnings():
        # their code warns of what nobody can change here, such as arguments that a block ignores
        warnings.simplefilter('ignore')
        try:
            build = getattr(importlib.import_module(module), source.name)
        except (ImportError, AttributeError) as error:
            raise ValueError(
                f'{folder}: expected to import {source.name} from {where}, got: {error}'
            ) from error
        try:
            inspect.signature(build).bind(**arguments)
        except TypeError as error:
            raise ValueError(
                f'{folder}: expected {source.name} in {where} to take the arguments '
                f'{sorted(arguments)}, got: {error}'
            ) from error
        network = build(**arguments)
    if not isinstance(network, nn.Module):
        raise ValueError(
            f'{folder}: expected {source.name} in {where} to build a torch module, got '
            f'{type(network).__name__}'
        )
    return network


@contextmanager
def _modules(folder: Path, source: Source) -> Iterator[None]:
    modules = {package: _module(package, {}, [folder / package]) for package in source.packages}
    for name, content in source.stand_ins.items():
        *parents, _ = name.split('.')
        for depth in range(1, len(parents) + 1):
            parent = '.'.join(parents[:depth])
            modules.setdefault(parent, _module(parent, {}, []))
        modules[name] = _module(name, content)
    tops = {name.partition('.')[0] for name in modules}
    hidden, writes_no_bytecode = _take_out(tops), sys.dont_write_bytecode
    sys.modules.update(modules)
    sys.dont_write_bytecode = True  # into the checkout
    try:
        yield
    finally:
        _take_out(tops)
        sys.modules.update(hidden)
        sys.dont_write_bytecode = writes_no_bytecode


def _take_out(tops: set[str]) -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition('.')[0] in tops]
    return {name: sys.modules.pop(name) for name in names}


def _module(name: str, content: Mapping, path: Sequence[Path] | None = None) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(content)
    if path is not None:  # makes it a package, also without a file __init__.py
        module.__path__ = list(map(str, path))
    return module
