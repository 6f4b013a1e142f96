"""Runs commands in processes of their own, and ends them when the program is interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# Python without the warnings of the old stack about its own code
PYTHON = (sys.executable, '-W', 'ignore::UserWarning', '-W', 'ignore::FutureWarning')
POLL = 0.05  # seconds
PATIENCE = 10.0  # seconds that a process has to end by itself
TAIL = 20000  # last bytes of a log to read
ERROR = re.compile(r'^(?:error: |[\w.]*(?:Error|Exception)\b)', re.MULTILINE)
ERROR_LINES = 20  # lines of an error message that are shown


class Process:
    """A command in a process. Ctrl-C does not reach it; :meth:`stop` ends it.

    Args:
        command: The program and its arguments.
        log: File to which all output is appended. By default, the output goes where the output of
            this program goes.
        env: Environment variables to set.
        pass_fds: File descriptors that stay open in the process.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.log = log
        self._seconds: float | None = None
        with open(log or os.devnull, 'a') as file:
            self._process = subprocess.Popen(
                list(map(str, command)),
                stdout=file if log else None,
                stderr=subprocess.STDOUT if log else None,
                start_new_session=True,
                pass_fds=pass_fds,
                env={**os.environ, **(env or {})},
            )

    @property
    def returncode(self) -> int | None:
        """The exit code; None while the process runs."""
        return self._process.returncode

    def poll(self) -> float | None:
        """Return the CPU seconds of the process when it has ended, None while it runs."""
        if self.returncode is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._seconds = usage.ru_utime + usage.ru_stime
        return self._seconds

    def wait(self) -> float:
        """Wait for the end of the process; return its CPU seconds."""
        while self.poll() is None:
            time.sleep(POLL)
        return self._seconds

    def lines(self) -> Iterator[str]:
        """Yield the lines of the log when they are complete, until the process has ended."""
        with open(self.log, errors='replace') as file:
            rest, ended = '', False
            while not ended:
                ended = self.poll() is not None
                *complete, rest = (rest + file.read()).split('\n')
                yield from complete
                if not ended:
                    time.sleep(POLL)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the process and its children; kill them if they do not end soon."""
        for each in (number, signal.SIGKILL):
            if self.poll() is None:
                os.killpg(self._process.pid, each)
                deadline = time.monotonic() + PATIENCE
                while self.poll() is None and time.monotonic() < deadline:
                    time.sleep(POLL)

    def tail(self) -> str:
        """Return the end of the log."""
        with open(self.log, 'rb') as file:
            file.seek(max(0, self.log.stat().st_size - TAIL))
            return file.read().decode(errors='replace')

    def last_error(self) -> str:
        """Say why the process failed: the last error in its log, or its exit code."""
        text = self.tail()
        starts = [match.start() for match in ERROR.finditer(text)]
        if not starts:
            return f'exit code {self.returncode}'
        return '\n'.join(text[starts[-1] :].splitlines()[:ERROR_LINES])


@contextmanager
def interruptible(hint: str) -> Iterator[None]:
    """Let an interruption end the program with a hint and the exit code 130.

    SIGTERM and SIGHUP interrupt like Ctrl-C, unless they are ignored, as under nohup.

    Args:
        hint: How the user can continue.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        print(f'\ninterrupted: {hint}', flush=True)
        raise SystemExit(130) from None
