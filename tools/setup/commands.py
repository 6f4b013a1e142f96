"""Runs commands: output to a log file, a line of progress, and advice when they fail."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from environment import Environment
from preflight import SetupError

TAIL_LINES = 15
# Text in a log -> advice. The first match counts.
ADVICE = {
    r'No space left on device|Errno 28': 'The disk is full. Make room (`pip cache purge` frees '
    'what pip has kept) and run the same\ncommand again.',
    r'NewConnectionError|Temporary failure in name resolution|Max retries exceeded|ConnectTimeout'
    r'|ReadTimeout|ProxyError|Connection (broken|refused|reset)|Name or service not known'
    r'|Network is unreachable|SSLError': 'The package registry can not be reached. Check the '
    'network; set PIP_PROXY behind\na proxy, PIP_INDEX_URL for a mirror. Run it again: what was '
    'downloaded is kept.',
    r'No matching distribution found|Could not find a version': 'The registry has no such package '
    'for this Python and platform (see the lines above).\nTry Python 3.11 (PYTHON=python3.11), or '
    'another torch (TORCH=torch==2.13.0).',
    r'Killed signal terminated|virtual memory exhausted|out of memory': 'The compiler ran out of '
    'memory. Build with one job: MAX_JOBS=1 make demo',
}


class Job:
    """A running command that appends its output to a log file, with all processes that it starts.

    Args:
        label: What the command does, in a few words.
        command: The command and its arguments.
        log: Log file; the output is appended.
        keep_fd: Descriptor of the lock file. The command inherits it, so it holds the lock even
            after this process has ended.
    """

    def __init__(
        self, label: str, command: Sequence[str], log: Path, keep_fd: int | None = None
    ) -> None:
        self.label, self.log, self.started = label, log, time.monotonic()
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
        """Return the output of the command so far, at most its last ``last`` bytes."""
        with open(self.log, 'rb') as source:
            source.seek(max(self._begin, self.log.stat().st_size - last))
            return source.read().decode(errors='replace')

    def status(self) -> str:
        """Return the label, and the count of compiled files if ninja prints it."""
        counts = re.findall(r'^\s*\[(\d+/\d+)\]', self.output(last=8192), flags=re.MULTILINE)
        return f'{self.label} {counts[-1]}' if counts else self.label

    def stop(self) -> None:
        """Stop the command and all processes that it started."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                return
            os.killpg(self.process.pid, sign)
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue

    def raise_if_failed(self) -> None:
        """Raise an error if it failed: advice, the last lines of the log, and the log's path."""
        if self.process.returncode == 0:
            return
        output = self.output()
        advice = next((text for pattern, text in ADVICE.items() if re.search(pattern, output)), '')
        tail = '\n'.join(f'    {line[:160]}' for line in output.rstrip().splitlines()[-TAIL_LINES:])
        raise SetupError(
            f'{self.label} failed with exit status {self.process.returncode}. Its last lines:\n'
            f'{tail}\nThe whole log: {self.log}\n{advice}'.rstrip()
        )


class Progress:
    """Shows progress: a line that is rewritten on a terminal, or otherwise a line now and then.

    Args:
        interval: Seconds between two lines if the output is not a terminal.
    """

    def __init__(self, interval: float = 20.0) -> None:
        self.is_terminal = sys.stdout.isatty()
        self.interval = 1.0 if self.is_terminal else interval
        self.started = time.monotonic()

    def say(self, text: str, end: str = '\n') -> None:
        """Write a line, with the seconds since the start of the set-up."""
        clear = '\r\033[K' if self.is_terminal else ''
        line = f'[{time.monotonic() - self.started:4.0f} s] {text}'
        print(f'{clear}{line if end else line[:100]}', end=end, flush=True)

    def wait(self, job: Job, background: Job | None = None) -> None:
        """Wait for a job, and show it and the background job; raise if the job fails."""
        shown = time.monotonic()
        self.say(f'{job.label} ...', end='' if self.is_terminal else '\n')
        while job.process.poll() is None:
            if time.monotonic() - shown > self.interval:
                shown = time.monotonic()
                alive = [item for item in (job, background) if item and item.process.poll() is None]
                text = ' | '.join(item.status() for item in alive)
                self.say(f'  ... {text}', end='' if self.is_terminal else '\n')
            time.sleep(0.2)
        job.raise_if_failed()
        self.say(f'{job.label}: done in {time.monotonic() - job.started:.0f} s')


class Workshop:
    """Runs the commands of the steps in one virtual environment, with its lock and its log.

    Args:
        root: Folder of the environment; made if it is missing.
        progress: Shows the progress.
    """

    def __init__(self, root: Path, progress: Progress) -> None:
        self.environment, self.progress = Environment(root), progress
        self.log, self.constraints = root / 'install.log', root / 'constraints.txt'
        self.background: Job | None = None
        self.environment.check_python()
        root.mkdir(parents=True, exist_ok=True)
        self._lock = open(root / 'setup.lock', 'w')

    def take_lock(self) -> None:
        """Wait until no other set-up works in the folder, and no command that one left running."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.progress.say('waiting for another set-up in this folder to end')
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def start(self, label: str, command: list[str], log: Path) -> None:
        """Start a command in the background."""
        self.background = Job(label, command, log, self._lock.fileno())

    def do(self, label: str, command: list[str]) -> str:
        """Run a command to its end and return its output; raise if it fails."""
        job = Job(label, command, self.log, self._lock.fileno())
        try:
            self.progress.wait(job, self.background)
        finally:
            job.stop()
        return job.output()

    def python(self, *arguments: str) -> list[str]:
        """Return the command that runs the environment's Python."""
        return [str(self.environment.python), *arguments]

    def pip_install(self, label: str, *arguments: str, constraints: Path | None = None) -> None:
        """Install with pip, under the constraints that fix torch or under others."""
        # no-compile: the first import compiles only what is used, which is a small part
        options = '--disable-pip-version-check install --no-input --no-compile --progress-bar off'
        options = [*options.split(), '-c', str(constraints or self.constraints)]
        self.do(label, self.python('-m', 'pip', *options, *arguments))
