"""A training in its own process."""

import re
from typing import IO

from mmamf.commands.process import PYTHON, Process

from .sweep import Run

ITERATION = re.compile(r'Iter\(train\) +\[ *(\d+)/(\d+)\]')
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
        command = [*PYTHON, *run.command(), *(['--resume'] if resumed else [])]
        self.process = Process(command, run.work_dir / 'train.log', ONE_THREAD, [lock.fileno()])
        self.first = self.progress()  # progress of earlier processes

    def stop(self) -> None:
        """End the process and its child processes."""
        self.process.stop()
        self.lock.close()

    def progress(self) -> float:
        """Return the finished share of the run, as its log says."""
        found = ITERATION.findall(self.process.tail())
        return int(found[-1][0]) / int(found[-1][1]) if found else 0.0
