"""Makes .venv with the pinned stack, step by step; what is done is skipped.

The order matters: torch first, then mmcv is compiled against it in the background while the other
packages are installed under constraints that fix torch. It can be stopped and repeated at any time.
"""

import os
import re
import signal
import sys
from pathlib import Path

from commands import Progress
from environment import digest
from mmcv_step import MmcvStep
from preflight import SetupError, check_disk, check_shared_libraries, check_venv_module
from torch_choice import base_torch, choose_torch, constraints_for
from workshop import Workshop

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / 'requirements'
PINS = REQUIREMENTS / 'constraints.txt'
BUILD_TOOLS = ('setuptools', 'wheel', 'ninja')
GROUPS = ('runtime', 'mmagic', 'translation', 'demo', 'converters', 'export', 'tests')
IMPORT_ALL = 'import mmamf, mmengine.runner, mmseg.models'


class Installer:
    """The steps in their order.

    Args:
        workshop: Runs the commands.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.environment = workshop.environment
        self.pins = PINS.read_text()

    def run(self) -> None:
        """Do every step that is not done.

        Raises:
            SetupError: If a step can not be done, or if one replaced torch.
        """
        self._make_venv()
        mmcv = MmcvStep(self.workshop, re.search(r'^mmcv==(\S+)', self.pins, flags=re.MULTILINE)[1])
        mmcv.check()
        torch = self._install_torch()
        constraints = constraints_for(torch[0], self.pins)
        self.workshop.constraints.write_text(constraints)
        mmcv.start()
        self._install_packages(constraints)
        mmcv.finish()
        self._install_mmamf()
        if self._torch() != torch:
            raise SetupError(
                f'torch was {torch[1]} and is {self._torch()[1]} now; no step may replace it.\n'
                f'What did: see {self.workshop.log}. To go back: rm -r {self.environment.root}'
            )
        self._try_imports()
        self.workshop.progress.say(
            f'{self.environment.root.name} is ready: torch {torch[1]}, mmcv {mmcv.version}'
        )

    def _make_venv(self) -> None:
        self.environment.remove_halves()
        if self.environment.python.exists() and self.environment.version('pip'):
            return  # made by an earlier run, or by the user
        check_venv_module()
        check_disk(self.environment.root)
        command = [sys.executable, '-m', 'venv', str(self.environment.root)]
        self.workshop.do(f'virtual environment {self.environment.root.name}', command)

    def _torch(self) -> tuple[str | None, str | None]:
        """Return torch's version as pip and as torch name it."""
        return self.environment.version('torch'), self.environment.torch_build()

    def _install_torch(self) -> tuple[str, str]:
        wanted = os.environ.get('TORCH', '').strip()
        tools = [line for line in self.pins.splitlines() if line.startswith(BUILD_TOOLS)]
        key = digest(wanted, *tools)
        if not self.environment.is_done('torch', key) or None in self._torch():
            choice = choose_torch(self.environment, wanted, base_torch())
            check_disk(self.environment.root)
            self.workshop.progress.say(f'torch: {choice.reason}')
            if choice.base_folder:
                self.environment.base_torch_pth.write_text(f'{choice.base_folder}\n')
            elif choice.requirement:
                self.environment.base_torch_pth.unlink(missing_ok=True)
            packages = [choice.requirement] if choice.requirement else []
            label = 'torch and build tools'
            self.workshop.pip_install(label, *packages, *BUILD_TOOLS, constraints=PINS)
            self.environment.record('torch', key)
        if None in self._torch():
            raise SetupError(f'torch was installed and is not there: see {self.workshop.log}.')
        return self._torch()

    def _install_packages(self, constraints: str) -> None:
        files = [REQUIREMENTS / f'{group}.txt' for group in GROUPS]
        key = digest(constraints, *files)
        if not self.environment.is_done('packages', key):
            arguments = [part for file in files for part in ('-r', str(file))]
            self.workshop.pip_install('packages', *arguments)
            self.environment.record('packages', key)
        bare = REQUIREMENTS / 'no_deps.txt'
        key = digest(constraints, bare)
        if not self.environment.is_done('no_deps', key):
            self.workshop.pip_install('packages without dependencies', '--no-deps', '-r', str(bare))
            self.environment.record('no_deps', key)

    def _install_mmamf(self) -> None:
        sources = [ROOT / name for name in ('setup.py', 'pyproject.toml', 'mmamf/version.py')]
        key = digest(str(ROOT), *sources)
        if not self.environment.is_done('mmamf', key) or not self.environment.version('mmamf'):
            options = ['--no-deps', '--no-build-isolation']
            self.workshop.pip_install('mmamf', *options, '-e', str(ROOT))
            self.environment.record('mmamf', key)

    def _try_imports(self) -> None:
        """Import everything once after something was installed."""
        key = digest(*self.environment.stamps(besides='imports'))
        if not self.environment.is_done('imports', key):
            self.workshop.do('trying the imports', self.workshop.python('-c', IMPORT_ALL))
            self.environment.record('imports', key)


def _interrupt(*_) -> None:
    raise KeyboardInterrupt


def run() -> int:
    """Set .venv up and return the exit status."""
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, _interrupt)
    workshop = None
    try:
        check_shared_libraries()
        workshop = Workshop(ROOT / '.venv', Progress())
        workshop.take_lock()
        Installer(workshop).run()
    except SetupError as error:
        print(f'\nmmamf set-up stopped.\n{error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nInterrupted. The same command goes on where this one stopped.', file=sys.stderr)
        return 130
    finally:
        if workshop:
            workshop.stop()
    return 0
