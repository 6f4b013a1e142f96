"""Runs commands with their output in a log file, a line of progress, and advice when they fail."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from preflight import SetupError

TAIL_LINES = 15
SPINNER = '|/-\\'
# What a log says -> what to tell. The first that matches counts.
ADVICE = (
    (
        r'No space left on device|Errno 28',
        'The disk is full. Make room (`pip cache purge` frees what pip has kept) and run the same\n'
        'command again.',
    ),
    (
        r'NewConnectionError|Temporary failure in name resolution|Max retries exceeded'
        r'|ConnectTimeout|ReadTimeout|ProxyError|Connection (broken|refused|reset)'
        r'|Name or service not known|Network is unreachable|SSLError',
        'The package registry can not be reached. Check the network; set PIP_PROXY behind\n'
        'a proxy, PIP_INDEX_URL for a mirror. Run it again: what was downloaded is kept.',
    ),
    (
        r'No matching distribution found|Could not find a version',
        'The registry has no such package for this Python and platform (see the lines above).\n'
        'Try Python 3.11 (PYTHON=python3.11), or another torch (TORCH=torch==2.13.0).',
    ),
    (
        r'Killed signal terminated|virtual memory exhausted|out of memory',
        'The compiler ran out of memory. Build with one job: MAX_JOBS=1 make demo',
    ),
)


class Job:
    """A running command that writes to the end of a log file.

    It has a process group of its own, so that stopping it stops its compilers too.

    Args:
        label: What it does, in a few words.
        command: The command and its arguments.
        log: Log file, appended to.
        keep_fd: Descriptor of the lock file, so that a command that outlives us holds the lock.
    """

    def __init__(
        self,
        label: str,
        command: Sequence[str],
        log: Path,
        keep_fd: int | None = None,
    ) -> None:
        self.label = label
        self.log = log
        self.started = time.monotonic()
        with open(log, 'ab') as sink:
            sink.write(f'\n$ {" ".join(command)}\n'.encode())
            sink.flush()
            self._begin = sink.tell()
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=() if keep_fd is None else (keep_fd,),
            )

    def output(self, last: int = 2**24) -> str:
        """Return what the command has written so far, at most the last so many bytes."""
        with open(self.log, 'rb') as source:
            source.seek(max(self._begin, self.log.stat().st_size - last))
            return source.read().decode(errors='replace')

    def status(self) -> str:
        """Return the label, and how many files are compiled if ninja counts them."""
        counts = re.findall(r'^\s*\[(\d+/\d+)\]', self.output(last=8192), flags=re.MULTILINE)
        return f'{self.label} {counts[-1]}' if counts else self.label

    def stop(self) -> None:
        """End the command and everything it started."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                return
            os.killpg(self.process.pid, sign)
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue

    def raise_if_failed(self) -> None:
        """Turn a failure into a message: advice, the last lines of the log, and where it is."""
        if self.process.returncode == 0:
            return
        output = self.output()
        advice = next((text for pattern, text in ADVICE if re.search(pattern, output)), '')
        tail = '\n'.join(f'    {line[:160]}' for line in output.rstrip().splitlines()[-TAIL_LINES:])
        raise SetupError(
            f'{self.label} failed with exit status {self.process.returncode}. Its last lines:\n'
            f'{tail}\nThe whole log: {self.log}\n{advice}'.rstrip()
        )


class Progress:
    """Shows that jobs are alive: one line that turns on a terminal, a line now and then elsewhere.

    Args:
        stream: Where to write.
        interval: Seconds between two lines where the stream is no terminal.
    """

    def __init__(self, stream=None, interval: float = 20.0) -> None:
        self.stream = stream or sys.stdout
        self.interval = interval
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        """Write a line, with the seconds since the set-up began."""
        clear = '\r\033[K' if self.stream.isatty() else ''
        self.stream.write(f'{clear}[{time.monotonic() - self.started:4.0f} s] {text}\n')
        self.stream.flush()

    def wait(self, job: Job, background: Job | None = None) -> None:
        """Wait for a job, showing it and the one in the background.

        Raises:
            SetupError: If the job fails.
        """
        shown, turn = time.monotonic(), 0
        if not self.stream.isatty():
            self.say(f'{job.label} ...')
        while job.process.poll() is None:
            alive = [item for item in (job, background) if item and item.process.poll() is None]
            text = ' | '.join(item.status() for item in alive)
            if self.stream.isatty():
                turn += 1
                seconds = time.monotonic() - self.started
                line = f'[{seconds:4.0f} s] {SPINNER[turn % len(SPINNER)]} {text}'
                self.stream.write(f'\r\033[K{line[:100]}')
                self.stream.flush()
            elif time.monotonic() - shown > self.interval:
                shown = time.monotonic()
                self.say(f'  ... {text}')
            time.sleep(0.2)
        job.raise_if_failed()
        self.say(f'{job.label}: done in {time.monotonic() - job.started:.0f} s')
