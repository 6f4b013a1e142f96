"""What the steps share: the environment, its lock, its log, and how commands and pip are run."""

import fcntl
from pathlib import Path

from commands import Job, Progress
from environment import Environment


class Workshop:
    """Runs the commands of the steps in one virtual environment.

    Args:
        root: Folder of the environment; made if it is missing.
        progress: Shows what is going on.
    """

    def __init__(self, root: Path, progress: Progress) -> None:
        self.environment = Environment(root)
        self.progress = progress
        self.log = root / 'install.log'
        self.constraints = root / 'constraints.txt'
        self.background: Job | None = None
        self.environment.check_python()
        root.mkdir(parents=True, exist_ok=True)
        self._lock = open(root / 'setup.lock', 'w')

    def take_lock(self) -> None:
        """Wait until no other set-up, and no command that outlived one, works in the folder."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.progress.say('waiting for another set-up in this folder to end')
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def start(self, label: str, command: list[str], log: Path) -> None:
        """Start a command in the background."""
        self.background = Job(label, command, log, self._lock.fileno())

    def stop(self) -> None:
        """End what runs in the background."""
        if self.background:
            self.background.stop()

    def do(self, label: str, command: list[str]) -> str:
        """Run a command to its end and return its output.

        Raises:
            SetupError: If it fails.
        """
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
        """Install with pip, under the constraints that fix torch unless others are named."""
        # no-compile: the first import compiles what is used, which is a small part
        options = ['--disable-pip-version-check', 'install', '--no-input', '--no-compile']
        options += ['--progress-bar', 'off', '-c', str(constraints or self.constraints)]
        self.do(label, self.python('-m', 'pip', *options, *arguments))
