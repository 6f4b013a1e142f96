"""Which torch the environment gets, and the constraints that keep later steps from replacing it."""

import importlib.metadata
import re
from pathlib import Path
from typing import NamedTuple

from environment import Environment

DEFAULT = 'torch==2.13.0'
OLDEST = (2, 0)  # mmcv's sources are compiled as C++17, which is what torch 2 asks for


class TorchChoice(NamedTuple):
    """The chosen torch: a pip requirement, or the folder of one that is there already."""

    requirement: str | None
    base_folder: Path | None
    reason: str


def _release(version: str) -> tuple[int, int]:
    major, minor = re.match(r'(\d+)\.(\d+)', version).groups()
    return int(major), int(minor)


def base_torch() -> tuple[str, Path] | None:
    """Return version and folder of the torch of the running Python, None without one we can use."""
    try:
        found = importlib.metadata.distribution('torch')
    except importlib.metadata.PackageNotFoundError:
        return None
    if _release(found.version) < OLDEST:
        return None
    return found.version, Path(found.locate_file('')).resolve()


def choose_torch(
    environment: Environment, wanted: str, base: tuple[str, Path] | None
) -> TorchChoice:
    """Choose: what the user wants, else what .venv has, else the base Python's, else the default.

    Args:
        environment: The virtual environment, which may be empty.
        wanted: The variable TORCH: a pip requirement, or nothing.
        base: What `base_torch` returned.
    """
    if wanted:
        return TorchChoice(wanted, None, f'{wanted}, as TORCH says')
    present = environment.version('torch')
    if present:
        return TorchChoice(None, None, f'torch {present}, which .venv has')
    if base:
        version, folder = base
        return TorchChoice(None, folder, f'torch {version}, which the base Python has in {folder}')
    return TorchChoice(DEFAULT, None, DEFAULT)


def constraints_for(torch_version: str, pins: str) -> str:
    """Return constraints that fix torch, and torchvision to the releases built for it.

    torch 2.x goes with torchvision 0.(x + 15), whose wheels name the exact torch they need.

    Args:
        torch_version: The version as pip sees it.
        pins: Text of requirements/constraints.txt.
    """
    major, minor = _release(torch_version)
    vision = f'torchvision==0.{minor + 15}.*\n' if major == 2 else ''
    return f'{pins.rstrip()}\n\n# Written by tools/setup.\ntorch=={torch_version}\n{vision}'
