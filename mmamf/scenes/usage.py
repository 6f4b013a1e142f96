import time
from pathlib import Path

MIB = 1024  # in KiB


class Usage:
    """Counts pixels, and says how long they took and how much memory the process used at most."""

    def __init__(self) -> None:
        self.pixels = 0
        self.unseen = 0  # pieces
        self._start = time.perf_counter()

    def add(self, height: int, width: int, is_seen: bool = True) -> None:
        """Count the pixels of a part that is done, and whether the network has seen it."""
        self.pixels += height * width
        self.unseen += not is_seen

    def __str__(self) -> str:
        """Return one line for the user."""
        seconds = time.perf_counter() - self._start
        megapixels = self.pixels / 1e6
        unseen = f'{self.unseen} without any reading (class 255), ' if self.unseen else ''
        return unseen + (
            f'{megapixels:.2f} megapixels in {seconds:.1f} s, {seconds / max(megapixels, 1e-9):.3f}'
            f' s per megapixel, peak memory {peak_memory():.0f} MiB'
        )


def peak_memory() -> float:
    """Return the most memory that this process has used so far, in MiB.

    Unlike ``resource.getrusage``, the kernel does not count the program that started this one.
    """
    status = Path('/proc/self/status').read_text()
    return next(int(li.split()[1]) for li in status.splitlines() if li.startswith('VmHWM')) / MIB
