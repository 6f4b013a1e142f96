"""A training in its own process."""

import os
import re
import signal
import subprocess
import sys
import time
from typing import IO

from .sweep import Run

POLL = 0.05  # seconds
PATIENCE = 10.0  # seconds that a process has to end by itself
ITERATION = re.compile(r'Iter\(train\) +\[ *(\d+)/(\d+)\]')
ERROR = re.compile(r'^[\w.]*(?:Error|Exception)\b.*$', re.MULTILINE)
TAIL = 20000  # last bytes of a log to read
# Hides warnings of the old stack about its own code.
PYTHON = (sys.executable, '-W', 'ignore::UserWarning', '-W', 'ignore::FutureWarning')
ONE_THREAD = dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')


class Job:
    """A training in progress: the command of a run, with one thread.

    Args:
        run: The run to train; its work dir must exist.
        lock: File lock of the run. It is held while this process or the training lives;
            :meth:`stop` closes it.
        resumed: Whether to continue from the last checkpoint.
    """

    def __init__(self, run: Run, lock: IO, resumed: bool) -> None:
        self.run = run
        self.lock = lock
        self.resumed = resumed
        self.log = run.work_dir / 'train.log'
        with open(self.log, 'a') as file:
            self.first = self.progress()  # progress of earlier processes
            self.process = subprocess.Popen(
                [*PYTHON, *run.command(), *(['--resume'] if resumed else [])],
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that Ctrl-C does not reach the training
                pass_fds=[lock.fileno()],
                env={**os.environ, **ONE_THREAD},
            )

    def poll(self) -> float | None:
        """Return the CPU seconds of the process when it has ended, None while it runs."""
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime

    def stop(self) -> None:
        """End the process and its child processes."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.returncode is None:
                os.killpg(self.process.pid, number)
                deadline = time.monotonic() + PATIENCE
                while self.poll() is None and time.monotonic() < deadline:
                    time.sleep(POLL)
        self.lock.close()

    def progress(self) -> float:
        """Return the finished share of the run, as its log says."""
        found = ITERATION.findall(self._tail())
        return int(found[-1][0]) / int(found[-1][1]) if found else 0.0

    def last_error(self) -> str:
        """Say why the process failed: its last exception, or its exit code."""
        errors = ERROR.findall(self._tail())
        return errors[-1] if errors else f'exit code {self.process.returncode}'

    def _tail(self) -> str:
        with open(self.log, 'rb') as file:
            file.seek(max(0, self.log.stat().st_size - TAIL))
            return file.read().decode(errors='replace')
