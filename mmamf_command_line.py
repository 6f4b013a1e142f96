"""What several commands share. It does not import torch, so --help answers quickly.

It stands beside the package, and the scripts in tools/ find it by a link beside them or where it is
installed, however they are run.
"""

import argparse
import importlib.util
import linecache
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

if importlib.util.find_spec('mmamf') is None:  # run from a clone that is not installed
    sys.path.insert(0, str(Path(__file__).resolve().parent))


@contextmanager
def one_line_errors(hint: str = '') -> Iterator[None]:
    """End the program with the line ``error: ...`` if the user has to mend something.

    That is so if a file does not exist or is not accessible, and if a check of the project raises a
    ValueError or an ImportError. Ctrl-C ends it with one line and the exit code 130. Every other
    exception is unexpected and keeps its traceback.

    Args:
        hint: How the user can continue after Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        print(': '.join(['\ninterrupted', *filter(None, [hint])]), flush=True)
        raise SystemExit(130) from None
    except (FileNotFoundError, PermissionError) as error:
        raise SystemExit(f'error: {error}') from error
    except (ImportError, ValueError) as error:
        *_, (frame, number) = traceback.walk_tb(error.__traceback__)  # where it was raised
        line = linecache.getline(frame.f_code.co_filename, number)
        package = frame.f_globals.get('__name__', '').partition('.')[0]
        if package not in ('mmamf', 'rooms') or not line.lstrip().startswith('raise '):
            raise
        raise SystemExit(f'error: {error}') from error


class _Package(ModuleType):
    """A package whose ``__init__`` runs when something is read from it, not at its import."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)
        self.__class__ = ModuleType
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def import_lazily(*packages: str) -> None:
    """Let modules of mmamf be imported without the ``__init__`` of the packages above them.

    ``import mmamf`` registers all models and data sets, which takes seconds. A command that needs
    none of them calls this before. Nothing happens if mmamf is already imported.

    Args:
        *packages: Packages inside mmamf, such as 'datasets', each after the one that contains it.
    """
    if 'mmamf' in sys.modules:
        return
    for name in ('mmamf', *(f'mmamf.{package}' for package in packages)):
        spec = importlib.util.find_spec(name)
        package = sys.modules[name] = _Package(name)
        package.__spec__, package.__path__ = spec, spec.submodule_search_locations
        package.__file__, package.__package__ = spec.origin, name
        parent, _, child = name.rpartition('.')
        if parent:
            setattr(sys.modules[parent], child, package)


class CfgOptions(argparse.Action):
    """mmengine's DictAction, imported only when there is an option to read."""

    def __call__(self, *args) -> None:
        """Read key=value pairs into a dict."""
        import mmamf  # noqa: F401  # isort: skip  (first: it repairs the stack)
        from mmengine.config import DictAction

        DictAction(self.option_strings, self.dest)(*args)


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for a segmentor's config and its checkpoint."""
    parser.add_argument('config', help='config file of a segmentor')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument(
        '--allow-different-config',
        action='store_true',
        help='go on although the config contradicts the one that the checkpoint was trained with',
    )


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add the option that overrides settings of a config."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        default={},
        help='override settings of the config, as key=value or key.of.nested=value; '
        'lists as key="[a,b]"',
    )


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add the options that launchers of several processes set."""
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm'], default='none', help='job launcher'
    )
    parser.add_argument(
        '--local_rank', '--local-rank', type=int, default=0, help='set by the launcher'
    )
