"""The step that gives the environment an mmcv with compiled ops: kept, from the cache, or built."""

import os
import re
import shutil
from pathlib import Path

from mmcv_wheel import PROBE, cache_folder, find_wheel, store_wheel, wheel_key
from preflight import SetupError, check_headers, find_compiler
from workshop import Workshop

IMPORT_OPS = 'import torch, mmcv._ext'


class MmcvStep:
    """Starts the build in the background; ends it and installs the wheel later.

    Args:
        workshop: Runs the commands.
        version: Version of mmcv.
    """

    def __init__(self, workshop: Workshop, version: str) -> None:
        self.workshop = workshop
        self.environment = workshop.environment
        self.version = version
        self.cached: Path | None = None  # folder of the cache; None: nothing to install
        self.out = self.environment.root / 'mmcv-build'

    def check(self) -> None:
        """Check, before anything is downloaded, for what a build needs, if there may be one.

        Raises:
            SetupError: If the compiler or Python's headers are missing.
        """
        if not self._has_version() and not any(cache_folder(os.environ).glob('mmcv-*')):
            find_compiler()
            check_headers()

    def start(self) -> None:
        """Start building mmcv unless it is installed already or in the cache."""
        if self.environment.is_done('mmcv', self._key('')) and self._has_version():
            return
        if self._ops_work():
            self.environment.record('mmcv', self._key(''))
            return
        ops = self._what_can_be_built()
        self.cached = cache_folder(os.environ) / self._key(ops)
        if find_wheel(self.cached):
            self.workshop.progress.say(f'mmcv: built before, taken from {self.cached}')
            return
        find_compiler()
        check_headers()
        log = self.environment.root / 'mmcv-build.log'
        self.workshop.progress.say(
            f'mmcv: its C++ ops ({ops}) are built beside the rest, log {log}'
        )
        script = str(Path(__file__).with_name('mmcv_wheel.py'))
        arguments = [f'mmcv=={self.version}', str(self.out), ops, str(self.workshop.constraints)]
        command = self.workshop.python(script, *arguments)
        self.workshop.start(f'mmcv build ({ops})', command, log)

    def finish(self) -> None:
        """Wait for the build, keep its wheel in the cache, install it and try it."""
        if self.cached is None:
            return
        if self.workshop.background:
            self.workshop.progress.wait(self.workshop.background)
            store_wheel(find_wheel(self.out), self.cached)
            shutil.rmtree(self.out)
        wheel = find_wheel(self.cached)
        self.workshop.pip_install('mmcv', '--no-deps', '--force-reinstall', str(wheel))
        if not self._ops_work():
            wheel.unlink()
            raise SetupError(
                f'{wheel.name} was installed, and `{IMPORT_OPS}` fails: see {self.workshop.log}.\n'
                'It was removed from the cache. Run the same command again to build it anew.'
            )
        self.environment.record('mmcv', self._key(''))

    def _key(self, ops: str) -> str:
        return wheel_key(self.version, self.environment.torch_build(), ops)

    def _has_version(self) -> bool:
        return self.environment.version('mmcv') == self.version

    def _ops_work(self) -> bool:
        if not self._has_version():
            return False
        try:
            self.workshop.do('mmcv: trying its ops', self.workshop.python('-c', IMPORT_OPS))
        except SetupError:
            return False
        return True

    def _what_can_be_built(self) -> str:
        if os.environ.get('FORCE_CUDA') == '0':
            return 'cpu'
        output = self.workshop.do('mmcv: looking for CUDA', self.workshop.python('-c', PROBE))
        return re.search(r'^ops=(\S+)', output, flags=re.MULTILINE)[1]
