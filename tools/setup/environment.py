"""The virtual environment, read from its files without running its Python, and its torch."""

import hashlib
import importlib.metadata
import os
import re
import shutil
import sys
from pathlib import Path

from preflight import VERSION, SetupError

DEFAULT = 'torch==2.13.0'
OLDEST = (2, 0)  # as in setup.py


class Environment:
    """A virtual environment, with stamp files for the finished steps.

    Args:
        root: Folder of the environment.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.python = root / 'bin' / 'python'
        self.site = root / 'lib' / f'python{VERSION}' / 'site-packages'
        self.base_torch_pth = self.site / 'mmamf_base_torch.pth'

    def check_python(self) -> None:
        """Check that an existing environment was made with this version of Python."""
        config = self.root / 'pyvenv.cfg'
        text = config.read_text() if config.is_file() else ''
        found = re.search(r'^version\s*=\s*(\d+\.\d+)', text, flags=re.MULTILINE)
        if found and found[1] != VERSION:
            raise SetupError(
                f'{self.root} was made with Python {found[1]}; {sys.executable} is {VERSION}.\n'
                f'Keep it: leave PYTHON out, or set PYTHON=python{found[1]}.\n'
                f'Make it anew: rm -r {self.root}'
            )

    def search_path(self) -> list[str]:
        """Return the folders from which its packages are imported."""
        base = self.base_torch_pth
        return [str(self.site), *(base.read_text().splitlines() if base.is_file() else [])]

    def version(self, package: str) -> str | None:
        """Return the version of a package as pip sees it, None if it is not installed."""
        found = importlib.metadata.distributions(name=package, path=self.search_path())
        return next((item.version for item in found), None)

    def remove_halves(self) -> None:
        """Remove records of interrupted installs, which lack INSTALLER, the last file of pip."""
        for info in self.site.glob('*.dist-info'):
            if not (info / 'INSTALLER').is_file():
                shutil.rmtree(info)

    def torch_build(self) -> str | None:
        """Return `torch.__version__`. It names the build (2.13.0+cu130); pip's version may not."""
        for folder in self.search_path():
            file = Path(folder) / 'torch' / 'version.py'
            if file.is_file():
                found = re.search(r"^__version__ = '([^']+)'", file.read_text(), flags=re.MULTILINE)
                return found[1] if found else self.version('torch')
        return None

    def is_done(self, step: str, key: str) -> bool:
        """Tell whether a step was done with the inputs of this `key`."""
        stamp = self.root / 'stamps' / step
        return stamp.is_file() and stamp.read_text() == key

    def record(self, step: str, key: str) -> None:
        """Record that a step is done; a crash leaves either the old or the new stamp."""
        stamp = self.root / 'stamps' / step
        stamp.parent.mkdir(parents=True, exist_ok=True)
        scratch = stamp.with_suffix(f'.{os.getpid()}')
        scratch.write_text(key)
        os.replace(scratch, stamp)


def digest(*parts: str | Path) -> str:
    """Return a checksum of texts and of the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def _release(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.match(r'(\d+)\.(\d+)', version).groups()))


def base_torch() -> tuple[str, Path] | None:
    """Return version and folder of the running Python's torch, or None if none is usable."""
    for found in importlib.metadata.distributions(name='torch'):
        if _release(found.version) >= OLDEST:
            return found.version, Path(found.locate_file('')).resolve()
    return None


def choose_torch(
    environment: Environment, wanted: str, base: tuple[str, Path] | None
) -> tuple[str | None, Path | None, str]:
    """Choose TORCH if set, else the torch of .venv, else the base Python's, else a default.

    Returns:
        A requirement for pip, or the folder of an installed torch, or neither; and the reason.
    """
    present = environment.version('torch')
    if wanted:
        return wanted, None, f'{wanted}, as TORCH says'
    if present:
        return None, None, f'torch {present}, which .venv has'
    if base:
        return None, base[1], 'torch {}, which the base Python has in {}'.format(*base)
    return DEFAULT, None, DEFAULT


def constraints_for(torch_version: str, pins: str) -> str:
    """Add to the pins the exact torch, and the torchvision releases built for it.

    torch 2.x needs torchvision 0.(x + 15), whose wheels name their exact torch.
    """
    major, minor = _release(torch_version)
    vision = f'torchvision==0.{minor + 15}.*\n' if major == 2 else ''
    return f'{pins.rstrip()}\n\n# Written by tools/setup.\ntorch=={torch_version}\n{vision}'
