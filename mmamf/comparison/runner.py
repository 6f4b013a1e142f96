"""Runs several trainings at a time, each a process of `tools/train.py` with one thread."""

import fcntl
import shutil
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from mmamf.whole_file import write_json

from .job import Job
from .results import (
    check_identity,
    collect_result,
    identify_run,
    read_json,
    result_path,
)
from .sweep import Run

POLL = 0.2  # seconds
SHOW_EVERY = 10.0  # seconds between two lines of progress on a terminal


class Runner:
    """Executes runs, several at a time, and writes their results.

    A run with a result is skipped. A run with a checkpoint is resumed from it. A run that another
    process executes is left to that process. A run that fails is reported, and the others continue.
    Ctrl-C ends all processes.

    Args:
        results: Folder of the results.
        metric: Metric that compares the validations.
        jobs: Number of processes.
        keep: Whether to keep the checkpoints of a finished run.
    """

    def __init__(self, results: Path, metric: str, jobs: int, keep: bool) -> None:
        self.results = results
        self.metric = metric
        self.jobs = jobs
        self.keep = keep
        self._queue: deque[Run] = deque()
        self._running: list[Job] = []
        self._failed: list[str] = []
        self._waiting = False
        self._done = 0.0  # number of runs, with fractions
        self._total = 0
        self._shown = self._start = 0.0

    def run(self, runs: Sequence[Run]) -> list[str]:
        """Execute the runs; return the names of those that failed.

        Raises:
            KeyboardInterrupt: If interrupted, after all processes have ended.
        """
        self._failed = []
        self._queue = deque(run for run in runs if not result_path(self.results, run).is_file())
        self._total = len(self._queue)
        print(f'{len(runs)} runs: {len(runs) - self._total} done, {self._total} to do', flush=True)
        self._start = time.monotonic()
        try:
            while self._queue or self._running:
                self._fill()
                time.sleep(POLL)
                for job in list(self._running):
                    seconds = job.process.poll()
                    if seconds is not None:
                        self._running.remove(job)
                        with job.lock:
                            self._finish(job, seconds)
                self._show()
        finally:
            for job in self._running:
                job.stop()
        return self._failed

    def _fill(self) -> None:
        """Start processes while there is room, for runs that no other process executes."""
        for _ in range(len(self._queue)):
            if len(self._running) == self.jobs:
                return
            run = self._queue.popleft()
            run.work_dir.mkdir(parents=True, exist_ok=True)
            lock = open(run.work_dir / 'lock', 'w')
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                self._queue.append(run)
                continue
            if result_path(self.results, run).is_file():  # another process has finished it
                lock.close()
                self._total -= 1
                continue
            try:
                self._running.append(self._begin(run, lock))
            except ValueError as error:
                lock.close()
                self._fail(run, error)
        if self._queue and not self._running and not self._waiting:
            self._waiting = True
            self._say(f'waiting for {self._queue[0].name}, which another process is running')

    def _begin(self, run: Run, lock: IO) -> Job:
        note = run.work_dir / 'run.json'
        resumed = (run.work_dir / 'last_checkpoint').is_file()
        if resumed:
            if not note.is_file():
                raise ValueError(
                    f'{note}: expected this file beside the checkpoint, got none: this tool did '
                    'not start the training; move the folder away'
                )
            check_identity(note, read_json(note), identify_run(run))
        else:  # without a checkpoint, a run starts again
            left = [path for path in run.work_dir.iterdir() if path.name != 'lock']
            if left and not note.is_file():
                raise ValueError(
                    f'{run.work_dir}: expected a new folder or one of this tool, got one with '
                    f'{left[0].name} and without {note.name}; move the folder away'
                )
            for path in left:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            write_json(note, identify_run(run))
        job = Job(run, lock, resumed)
        self._say(f'{"resumed" if resumed else "started"} {run.name}, log in {job.process.log}')
        return job

    def _finish(self, job: Job, seconds: float) -> None:
        """Write the result of a process that has ended."""
        run = job.run
        try:
            if job.process.returncode:
                raise ValueError(job.process.last_error())
            # the CPU time of the earlier processes of a resumed run is not known
            result = collect_result(run, self.metric, None if job.resumed else seconds)
        except (FileNotFoundError, ValueError) as error:
            self._fail(run, f'{error} (all output: {job.process.log})')
            return
        write_json(result_path(self.results, run), result)
        if not self.keep:
            for path in (*run.work_dir.glob('*.pth'), run.work_dir / 'last_checkpoint'):
                path.unlink()
        self._done += 1 - job.first
        self._total -= 1
        value = result['last'][self.metric]
        self._say(f'finished {run.name}: {self.metric} {value:.2f}, {seconds:.0f} s of CPU')

    def _fail(self, run: Run, reason: object) -> None:
        self._failed.append(run.name)
        self._total -= 1
        self._say(f'FAILED {run.name}: {reason}')

    def _remaining(self) -> str:
        """Estimate the remaining time from the speed so far."""
        shares = [job.progress() for job in self._running]
        done = self._done + sum(shares) - sum(job.first for job in self._running)
        if done <= 0:
            return 'remaining time not known yet'
        left = self._total - sum(shares)
        minutes = round((time.monotonic() - self._start) / done * left / 60)
        return f'about {minutes // 60} h {minutes % 60:02} min left'

    def _say(self, text: str) -> None:
        clear = '\r\033[K' if sys.stdout.isatty() else ''
        print(f'{clear}{time.strftime("%H:%M")} {text}; {self._total} to go, ', end='')
        print(self._remaining(), flush=True)

    def _show(self) -> None:
        """On a terminal, show from time to time which runs are in progress."""
        if not sys.stdout.isatty() or time.monotonic() - self._shown < SHOW_EVERY:
            return
        self._shown = time.monotonic()
        parts = [f'{job.run.name} {job.progress():.0%}' for job in self._running]
        print(f'\r\033[K{", ".join(parts)}; {self._remaining()}', end='', flush=True)
