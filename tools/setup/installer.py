"""Makes .venv with the pinned stack, step by step; finished steps are skipped.

The order matters. torch comes first. Then mmcv is compiled against it in the background, while the
other packages are installed under constraints that fix torch. The set-up can be stopped and
repeated at any time.
"""

import os
import re
import shutil
import signal
import sys
from pathlib import Path

from commands import Progress, Workshop
from environment import base_torch, choose_torch, constraints_for, digest
from mmcv_wheel import PROBE, cache_folder, find_wheel, store_wheel, wheel_key
from preflight import (
    SetupError,
    check_compiler,
    check_disk,
    check_shared_libraries,
    check_venv_module,
)

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / 'requirements'
PINS = REQUIREMENTS / 'constraints.txt'
BUILD_TOOLS = ('setuptools', 'wheel', 'ninja')
GROUPS = ('runtime', 'mmagic', 'translation', 'demo', 'converters', 'export', 'tests')
IMPORT_OPS = 'import torch, mmcv._ext'
IMPORT_ALL = 'import mmamf, mmengine.runner, mmseg.models'


class Installer:
    """The steps in their order.

    Args:
        workshop: Runs the commands.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop, self.environment = workshop, workshop.environment
        self.pins = PINS.read_text()
        self.mmcv = re.search(r'^mmcv==(\S+)', self.pins, flags=re.MULTILINE)[1]
        self.build = self.environment.root / 'mmcv-build'

    def run(self) -> None:
        """Run every step that is not done; raise if a step fails, or has replaced torch."""
        self._make_venv()
        # before any download, if mmcv may have to be built
        if not self._has_mmcv() and not any(cache_folder(os.environ).glob('mmcv-*')):
            check_compiler()
        torch = self._install_torch()
        constraints = constraints_for(torch[0], self.pins)
        self.workshop.constraints.write_text(constraints)
        cached = self._start_mmcv()
        self._install_packages(constraints)
        if cached:
            self._finish_mmcv(cached)
        sources = [ROOT / name for name in ('setup.py', 'pyproject.toml', 'mmamf/version.py')]
        options = ['--no-deps', '--no-build-isolation', '-e', str(ROOT)]
        missing = not self.environment.version('mmamf')
        self._install_once('mmamf', 'mmamf', digest(str(ROOT), *sources), options, missing)
        if self._torch() != torch:
            raise SetupError(
                f'torch was {torch[1]} and is {self._torch()[1]} now; no step may replace it.\n'
                f'What did: see {self.workshop.log}. To go back: rm -r {self.environment.root}'
            )
        key = digest(*self.environment.stamps(besides='imports'))  # changes after every install
        if not self.environment.is_done('imports', key):
            self.workshop.do('trying the imports', self.workshop.python('-c', IMPORT_ALL))
            self.environment.record('imports', key)
        ready = f'is ready: torch {torch[1]}, mmcv {self.mmcv}'
        self.workshop.progress.say(f'{self.environment.root.name} {ready}')

    def _install_once(
        self, step: str, label: str, key: str, arguments: list[str], missing: bool = False
    ) -> None:
        if missing or not self.environment.is_done(step, key):
            self.workshop.pip_install(label, *arguments)
            self.environment.record(step, key)

    def _make_venv(self) -> None:
        self.environment.remove_halves()
        if self.environment.python.exists() and self.environment.version('pip'):
            return  # made by an earlier run, or by the user
        check_venv_module()
        check_disk(self.environment.root)
        command = [sys.executable, '-m', 'venv', str(self.environment.root)]
        self.workshop.do(f'virtual environment {self.environment.root.name}', command)

    def _torch(self) -> tuple[str | None, str | None]:
        """Return torch's version as named by pip, and as named by torch."""
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
        arguments = [part for file in files for part in ('-r', str(file))]
        self._install_once('packages', 'packages', digest(constraints, *files), arguments)
        bare = REQUIREMENTS / 'no_deps.txt'
        arguments, label = ['--no-deps', '-r', str(bare)], 'packages without dependencies'
        self._install_once('no_deps', label, digest(constraints, bare), arguments)

    def _mmcv_key(self, ops: str = '') -> str:
        return wheel_key(self.mmcv, self.environment.torch_build(), ops)

    def _has_mmcv(self) -> bool:
        return self.environment.version('mmcv') == self.mmcv

    def _ops_work(self) -> bool:
        try:
            self.workshop.do('mmcv: trying its ops', self.workshop.python('-c', IMPORT_OPS))
        except SetupError:
            return False
        return True

    def _start_mmcv(self) -> Path | None:
        """Start building mmcv unless it is in the cache; return None if it is installed already."""
        if self._has_mmcv():
            if self.environment.is_done('mmcv', self._mmcv_key()):
                return None
            if self._ops_work():
                self.environment.record('mmcv', self._mmcv_key())
                return None
        ops = 'cpu'
        if os.environ.get('FORCE_CUDA') != '0':
            output = self.workshop.do('mmcv: looking for CUDA', self.workshop.python('-c', PROBE))
            ops = re.search(r'^ops=(\S+)', output, flags=re.MULTILINE)[1]
        cached = cache_folder(os.environ) / self._mmcv_key(ops)
        if find_wheel(cached):
            self.workshop.progress.say(f'mmcv: built before, taken from {cached}')
            return cached
        check_compiler()
        log = self.environment.root / 'mmcv-build.log'
        self.workshop.progress.say(f'mmcv: its C++ ops ({ops}) are built beside the rest: {log}')
        script = str(Path(__file__).with_name('mmcv_wheel.py'))
        arguments = [f'mmcv=={self.mmcv}', str(self.build), ops, str(self.workshop.constraints)]
        self.workshop.start(f'mmcv build ({ops})', self.workshop.python(script, *arguments), log)
        return cached

    def _finish_mmcv(self, cached: Path) -> None:
        """Wait for the build, store its wheel in the cache, install it and test it."""
        if self.workshop.background:
            self.workshop.progress.wait(self.workshop.background)
            store_wheel(find_wheel(self.build), cached)
            shutil.rmtree(self.build)
        wheel = find_wheel(cached)
        self.workshop.pip_install('mmcv', '--no-deps', '--force-reinstall', str(wheel))
        if not self._ops_work():
            wheel.unlink()
            raise SetupError(
                f'{wheel.name} was installed, and `{IMPORT_OPS}` fails: see {self.workshop.log}.\n'
                'It was removed from the cache. Run the same command again to build it anew.'
            )
        self.environment.record('mmcv', self._mmcv_key())


def _interrupt(*_) -> None:
    raise KeyboardInterrupt


def run() -> int:
    """Set up .venv and return the exit status."""
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
        if workshop and workshop.background:
            workshop.background.stop()
    return 0
