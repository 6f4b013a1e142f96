"""Runs commands: output to a log file, a line of progress, and advice when they fail."""

import fcntl
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from environment import Environment
from preflight import SetupError

INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERVAL = 20.0  # seconds between two lines of progress
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
}


class Workshop:
    """Runs the commands of the steps in one virtual environment, with its lock and its log.

    Args:
        root: Folder of the environment; made if it is missing.
    """

    def __init__(self, root: Path) -> None:
        self.environment, self.started = Environment(root), time.monotonic()
        self.log, self.constraints = root / 'install.log', root / 'constraints.txt'
        self.environment.check_python()
        root.mkdir(parents=True, exist_ok=True)
        self._lock = open(root / 'setup.lock', 'w')

    def take_lock(self) -> None:
        """Wait until no other set-up works in the folder, and no command that one left running."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.say('waiting for another set-up in this folder to end')
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def say(self, text: str) -> None:
        """Write a line, with the seconds since the start of the set-up."""
        print(f'[{time.monotonic() - self.started:4.0f} s] {text}', flush=True)

    def do(self, label: str, *command: str) -> None:
        """Run a command to its end and show its progress; raise if it fails."""
        self.say(f'{label} ...')
        started = time.monotonic()
        with open(self.log, 'ab') as sink:
            sink.write(f'\n$ {" ".join(command)}\n'.encode())
            sink.flush()
            begin = sink.tell()
            # held back until the process is known, so that none can leave it running
            signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS)
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=let_through,
                pass_fds=(self._lock.fileno(),),  # it holds the lock even if this process dies
            )
        try:
            let_through()
            while process.poll() is None:
                try:
                    process.wait(INTERVAL)
                except subprocess.TimeoutExpired:
                    self.say(f'  ... {label}')
        finally:
            stop(process)
        if process.returncode != 0:
            output = self.log.read_bytes()[begin:].decode(errors='replace')
            raise SetupError(f'{label} failed{failure(process.returncode, output, self.log)}')
        self.say(f'{label}: done in {time.monotonic() - started:.0f} s')

    def python(self, label: str, *arguments: str) -> None:
        """Run the environment's Python."""
        self.do(label, str(self.environment.python), *arguments)

    def pip_install(self, label: str, *arguments: str, constraints: Path | None = None) -> None:
        """Install with pip, under the constraints that fix torch or under others."""
        # no-compile: the first import compiles only what is used, which is a small part
        options = '--disable-pip-version-check install --no-input --no-compile --progress-bar off'
        options = [*options.split(), '-c', str(constraints or self.constraints)]
        self.python(label, '-m', 'pip', *options, *arguments)


def let_through() -> None:
    """Stop holding interruptions back."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTIONS)


def stop(process: subprocess.Popen) -> None:
    """Stop a command and all processes that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, sign)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue


def failure(status: int, output: str, log: Path) -> str:
    """Describe a failure: the status, the last lines of the output, the log, and advice."""
    advice = next((text for pattern, text in ADVICE.items() if re.search(pattern, output)), '')
    tail = '\n'.join(f'    {line[:160]}' for line in output.rstrip().splitlines()[-TAIL_LINES:])
    text = f' with exit status {status}. Its last lines:\n{tail}\nThe whole log: {log}\n{advice}'
    return text.rstrip()
