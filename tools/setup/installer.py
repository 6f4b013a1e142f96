"""Makes .venv with the pinned stack, step by step; finished steps are skipped.

The order matters: torch comes first, then all other packages, under constraints that fix torch. The
set-up can be stopped and repeated at any time.
"""

import os
import re
import signal
import sys
from pathlib import Path

from commands import INTERRUPTIONS, Workshop
from environment import base_torch, choose_torch, constraints_for, digest
from preflight import SetupError, check_disk, check_shared_libraries, check_venv_module

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / 'requirements'
PINS = REQUIREMENTS / 'constraints.txt'
GROUPS = (
    'runtime',
    'mmagic',
    'translation',
    'demo',
    'converters',
    'export',
    'openvino',
    'scenes',
    'tests',
    'docs',
)
FILES = [REQUIREMENTS / f'{group}.txt' for group in GROUPS]
BARE = REQUIREMENTS / 'no_deps.txt'
SOURCES = [ROOT / name for name in ('setup.py', 'pyproject.toml', 'mmamf/version.py')]
IMPORT_OPERATORS = 'import torch, mmcv._ext'
IMPORT_ALL = 'import mmamf, mmengine.runner, mmseg.models'


class Installer:
    """The steps in their order.

    Args:
        workshop: Runs the commands.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop, self.environment = workshop, workshop.environment
        self.pins = PINS.read_text()

    def run(self) -> None:
        """Run every step that is not done; raise if a step fails, or has replaced torch."""
        self._make_venv()
        self._install_torch()
        torch, build = self._torch()
        constraints = constraints_for(torch, self.pins)
        self.workshop.constraints.write_text(constraints)
        packages = digest(constraints, *FILES)
        if not self.environment.is_done('packages', packages):
            self._install('packages', *(part for file in FILES for part in ('-r', str(file))))
            self.environment.record('packages', packages)
        if not self.environment.is_done('mmamf', self._state(packages)):
            options = ['--no-deps', '--no-build-isolation', '-r', str(BARE), '-e', str(ROOT)]
            self._install('mmamf and mmcv', *options, *self._mmcv())
            self.workshop.python('trying the imports', '-c', IMPORT_ALL)
            self.environment.record('mmamf', self._state(packages))
        self.workshop.say(f'{self.environment.root.name} is ready: torch {build}')

    def _make_venv(self) -> None:
        self.environment.remove_halves()
        if self.environment.python.exists() and self.environment.version('pip'):
            return  # made by an earlier run, or by the user
        check_venv_module()
        command = [sys.executable, '-m', 'venv', str(self.environment.root)]
        self.workshop.do(f'virtual environment {self.environment.root.name}', *command)

    def _torch(self) -> tuple[str | None, str | None]:
        """Return torch's version as named by pip, and as named by torch."""
        return self.environment.version('torch'), self.environment.torch_build()

    def _install_torch(self) -> None:
        wanted = os.environ.get('TORCH', '').strip()
        if self.environment.is_done('torch', wanted) and None not in self._torch():
            return
        check_disk(self.environment.root)
        requirement, folder, reason = choose_torch(self.environment, wanted, base_torch())
        self.workshop.say(f'torch: {reason}')
        if folder:
            self.environment.base_torch_pth.write_text(f'{folder}\n')
        elif requirement:
            self.environment.base_torch_pth.unlink(missing_ok=True)
            self.workshop.pip_install('torch', requirement, constraints=PINS)
        if None in self._torch():
            raise SetupError(f'torch was installed and is not there: see {self.workshop.log}.')
        self.environment.record('torch', wanted)

    def _install(self, label: str, *arguments: str) -> None:
        """Install with pip, and check that torch stays."""
        before = self._torch()
        self.workshop.pip_install(label, *arguments)
        if self._torch() != before:
            raise SetupError(
                f'torch was {before[1]} and is {self._torch()[1]} now; no step may replace it.\n'
                f'What did: see {self.workshop.log}. To go back: rm -r {self.environment.root}'
            )

    def _state(self, packages: str) -> str:
        """Return a checksum of what the last step reads and of what it leaves behind."""
        names = ('mmcv', 'mmcv-lite', 'mmamf')
        versions = [f'{name} {self.environment.version(name)}' for name in names]
        return digest(packages, str(ROOT), *versions, BARE, *SOURCES)

    def _mmcv(self) -> list[str]:
        """Return mmcv-lite, or nothing if mmcv is there with operators that load, and stays."""
        pinned = re.search(r'^mmcv-lite==(\S+)', self.pins, flags=re.MULTILINE)[1]
        found = self.environment.version('mmcv')
        if found == pinned:
            try:
                self.workshop.python('operators of mmcv', '-c', IMPORT_OPERATORS)
                return []
            except SetupError:
                self.workshop.say('they do not load: mmcv-lite, which has none, takes its place')
        if found:  # both packages have the same files, so both go before one of them comes
            uninstall = ('-m', 'pip', 'uninstall', '-y', 'mmcv', 'mmcv-lite')
            self.workshop.python('removing mmcv', *uninstall)
        return ['mmcv-lite']


def _interrupt(*_) -> None:
    raise KeyboardInterrupt


def run() -> int:
    """Set up .venv and return the exit status."""
    for sign in INTERRUPTIONS:
        signal.signal(sign, _interrupt)
    try:
        check_shared_libraries()
        workshop = Workshop(ROOT / '.venv')
        workshop.take_lock()
        Installer(workshop).run()
    except SetupError as error:
        print(f'\nmmamf set-up stopped.\n{error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nInterrupted. The same command goes on where this one stopped.', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(run())
