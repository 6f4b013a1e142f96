"""The virtual environment on disk: what is in it, read from its files without its Python."""

import hashlib
import importlib.metadata
import os
import re
import shutil
import sys
from pathlib import Path

from preflight import SetupError


class Environment:
    """A virtual environment and the stamps of the steps that were done in it.

    Args:
        root: Folder of the environment.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.python = root / 'bin' / 'python'
        version = f'{sys.version_info.major}.{sys.version_info.minor}'
        self.site = root / 'lib' / f'python{version}' / 'site-packages'
        self.base_torch_pth = self.site / 'mmamf_base_torch.pth'

    def check_python(self) -> None:
        """Check that an environment that exists was made with this version of Python.

        Raises:
            SetupError: If it was made with another one.
        """
        config = self.root / 'pyvenv.cfg'
        if not config.is_file():
            return
        found = re.search(r'^version\s*=\s*(\d+\.\d+)', config.read_text(), flags=re.MULTILINE)
        wanted = f'{sys.version_info.major}.{sys.version_info.minor}'
        if found and found[1] != wanted:
            raise SetupError(
                f'{self.root} was made with Python {found[1]}; {sys.executable} is {wanted}.\n'
                f'Keep it: leave PYTHON out, or set PYTHON=python{found[1]}.\n'
                f'Make it anew: rm -r {self.root}'
            )

    def search_path(self) -> list[str]:
        """Return the folders its packages are imported from."""
        paths = [str(self.site)]
        if self.base_torch_pth.is_file():
            paths += self.base_torch_pth.read_text().split('\n')
        return [path for path in paths if path]

    def version(self, package: str) -> str | None:
        """Return the version of a package as pip sees it, None if it is not installed."""
        found = importlib.metadata.distributions(name=package, path=self.search_path())
        return next((item.version for item in found), None)

    def remove_halves(self) -> None:
        """Forget packages whose installation was cut off, which pip would take for installed.

        pip writes the file INSTALLER after all files of a package.
        """
        for info in self.site.glob('*.dist-info'):
            if not (info / 'INSTALLER').is_file():
                shutil.rmtree(info)

    def torch_build(self) -> str | None:
        """Return `torch.__version__`, which names the build even where pip's version does not.

        (pip: 2.13.0, torch: 2.13.0+cu130.)
        """
        for folder in self.search_path():
            file = Path(folder) / 'torch' / 'version.py'
            if file.is_file():
                found = re.search(r"^__version__ = '([^']+)'", file.read_text(), flags=re.MULTILINE)
                return found[1] if found else self.version('torch')
        return None

    def _stamp(self, step: str) -> Path:
        return self.root / 'stamps' / step

    def stamps(self, besides: str) -> list[Path]:
        """Return the files of all stamps but one."""
        return sorted(file for file in self._stamp('').glob('*') if file.name != besides)

    def is_done(self, step: str, key: str) -> bool:
        """Tell whether a step was done with the inputs that `key` stands for."""
        stamp = self._stamp(step)
        return stamp.is_file() and stamp.read_text() == key

    def record(self, step: str, key: str) -> None:
        """Record that a step was done; a crash leaves the old stamp or the new one."""
        stamp = self._stamp(step)
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
