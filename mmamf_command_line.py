"""Arguments that several commands share. It does not import torch, so --help answers quickly.

It stands beside the package, and the scripts in tools/ find it by a link beside them or where it is
installed, however they are run.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec('mmamf') is None:  # run from a clone that is not installed
    sys.path.insert(0, str(Path(__file__).resolve().parent))


class CfgOptions(argparse.Action):
    """mmengine's DictAction, imported only when there is an option to read."""

    def __call__(self, *args) -> None:
        """Read key=value pairs into a dict."""
        import mmamf  # noqa: F401  # isort: skip  (first: it cures the stack)
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
