"""A sweep file: the methods to train, their seeds, and the command of every run."""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

from mmamf.own_files import own_file

WORK_DIRS = Path('work_dirs')
TRAIN = own_file('tools/train.py')
NAME = re.compile(r'[A-Za-z0-9_.-]+')
TOP = ('config', 'metric', 'reference', 'groups')
GROUP = ('title', 'methods', 'seeds', 'config', 'reference', 'control')
METHOD = ('name', 'title', 'options', 'seeds', 'config')
QUESTION = ('title', 'method', 'against')


@dataclass(frozen=True)
class Method:
    """One row of a comparison.

    Args:
        name: Short name, also used in names of files.
        title: Its name in table and chart.
        group: Title of its group.
        config: The config to train.
        options: Changes of the config: ``--cfg-options`` of `tools/train.py`.
        seeds: Seeds of its runs.
        reference: Name of the method to compare it with.
        control: Whether its second modality has no information, so that a gain over the reference
            has another cause.
    """

    name: str
    title: str
    group: str
    config: Path
    options: dict[str, Any]
    seeds: tuple[int, ...]
    reference: str
    control: bool

    def words(self) -> list[str]:
        """Write the options as on the command line."""
        return [f'{key}={spell(value)}' for key, value in self.options.items()]

    @cached_property
    def loaded(self) -> Config:
        """The config with the options, written as on the command line and read again."""
        cfg = Config.fromfile(self.config)
        cfg.merge_from_dict(read_words(self.words()))
        return cfg


@dataclass(frozen=True)
class Run:
    """One training: a method with a seed.

    Args:
        sweep: Name of the sweep.
        method: The method.
        seed: The seed.
    """

    sweep: str
    method: Method
    seed: int

    @property
    def name(self) -> str:
        """The name of the run, unique in the sweep."""
        return f'{self.method.name}-{self.seed}'

    @property
    def work_dir(self) -> Path:
        """The folder of its logs and checkpoints."""
        return WORK_DIRS / self.sweep / self.name

    def command(self) -> list[str]:
        """Return the command of the run, without Python in front."""
        words = [*self.method.words(), f'randomness.seed={self.seed}']
        files = [shorten(TRAIN), shorten(self.method.config), '--work-dir', str(self.work_dir)]
        return [*files, '--cfg-options', *words]


@dataclass(frozen=True)
class Sweep:
    """Methods to compare.

    Args:
        name: Name of the sweep, which is the name of its file.
        metric: The scalar of a validation that compares the methods; higher is better.
        reference: Name of the method whose costs are the unit for the costs of the others.
        methods: The methods by name, in the order of the file.
        questions: Further pairs to compare: title, a method, and the method to compare it with.
    """

    name: str
    metric: str
    reference: str
    methods: dict[str, Method]
    questions: list[dict[str, str]] = field(default_factory=list)

    def runs(self, only: Sequence[str] = (), seeds: Sequence[int] = ()) -> Iterator[Run]:
        """Yield the runs: all methods with the first seed, then with the second, and so on.

        So an interrupted sweep has complete results for the first seeds.

        Args:
            only: Names of methods; empty for all.
            seeds: Seeds; empty for all.

        Raises:
            ValueError: If the sweep has no such method or seed.
        """
        known = list(dict.fromkeys(s for method in self.methods.values() for s in method.seeds))
        for what, wanted, there in (('method', only, self.methods), ('seed', seeds, known)):
            if unknown := [value for value in wanted if value not in there]:
                raise ValueError(f'expected a {what} of {list(there)}, got {unknown}')
        for seed in seeds or known:
            for method in self.methods.values():
                if seed in method.seeds and (not only or method.name in only):
                    yield Run(self.name, method, seed)


def spell(value: Any) -> str:
    """Write a value in the form that `--cfg-options` reads."""
    if isinstance(value, list | tuple):
        text = ','.join(map(spell, value))
        return f'[{text}]' if isinstance(value, list) else f'({text})'
    return str(value)


def read_words(words: Sequence[str]) -> dict[str, Any]:
    """Read options in the form of the command line, as `tools/train.py` does."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction, default={})
    return parser.parse_args(['--cfg-options', *words]).cfg_options


def shorten(path: Path) -> str:
    """Write a path relative to the current directory, if it is inside."""
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def load_sweep(path: Path) -> Sweep:
    """Read a sweep file.

    Raises:
        FileNotFoundError: If it, or a config that it names, does not exist.
        ValueError: If a key is missing or unknown, a name is not unique or does not exist, or an
            option cannot be written on the command line.
    """
    cfg = Config.fromfile(path).to_dict()
    _check(cfg, TOP, cfg, f'{path}')
    methods: dict[str, Method] = {}
    for group in cfg['groups']:
        where = f'{path}, group {group.get("title")!r}'
        _check(group, GROUP[:2], GROUP, where)
        for entry in group['methods']:
            where = f'{path}, method {entry.get("name")!r}'
            _check(entry, METHOD[:2], METHOD, where)
            if not NAME.fullmatch(entry['name']) or entry['name'] in methods:
                raise ValueError(
                    f'{where}: expected a name that no other method has, of letters, digits and '
                    f'"_.-", got {entry["name"]!r}'
                )
            methods[entry['name']] = _read_method(cfg, group, entry, Path(path).parent, where)
    for method in methods.values():
        _check_exists(method.reference, methods, f'{path}, reference of {method.name!r}')
    _check_exists(cfg['reference'], methods, f'{path}, reference')
    questions = cfg.get('questions', [])
    for question in questions:
        _check(question, QUESTION, QUESTION, f'{path}, questions')
        for key in QUESTION[1:]:
            _check_exists(question[key], methods, f'{path}, {key} of {question["title"]!r}')
    return Sweep(Path(path).stem, cfg['metric'], cfg['reference'], methods, questions)


def _read_method(cfg: dict, group: dict, entry: dict, folder: Path, where: str) -> Method:
    inherited = {**cfg, **group, **entry}
    options, seeds = entry.get('options', {}), inherited.get('seeds')
    if not seeds or len(set(seeds)) != len(seeds) or not all(type(s) is int for s in seeds):
        raise ValueError(f'{where}: expected seeds, different whole numbers, got {seeds}')
    method = Method(
        name=entry['name'],
        title=entry['title'],
        group=group['title'],
        config=folder / inherited['config'],
        options=options,
        seeds=tuple(seeds),
        reference=inherited['reference'],
        control=group.get('control', False),
    )
    for key, value in options.items():
        read = read_words([f'{key}={spell(value)}'])
        if read != {key: value} or type(read[key]) is not type(value):
            raise ValueError(
                f'{where}, options: expected values that --cfg-options can spell, got '
                f'{key}={value!r}, which --cfg-options reads as {read}'
            )
    if not method.config.is_file():
        raise FileNotFoundError(f'{where}: there is no config {method.config}')
    return method


def _check(entry: dict, needed: Sequence[str], known: Sequence[str], where: str) -> None:
    if missing := [key for key in needed if key not in entry]:
        raise ValueError(f'{where}: expected the keys {list(needed)}, but {missing} are missing')
    if unknown := [key for key in entry if key not in known]:
        raise ValueError(f'{where}: expected no keys but {list(known)}, got {unknown}')


def _check_exists(name: str, methods: dict[str, Method], where: str) -> None:
    if name not in methods:
        raise ValueError(f'{where}: expected one of {list(methods)}, got {name!r}')
