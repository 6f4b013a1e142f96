from collections.abc import Sequence

import numpy as np

IGNORE = 255  # value of ignored pixels in label maps
SHOWN = 10  # number of names in a warning


class LabelStatistics:
    """Counts the pixels of each class in a set of label maps, and finds problems.

    Args:
        name: Name of the set in warnings.
        classes: Names of the classes.
        total: Number of label maps in the set, read or not.
    """

    def __init__(self, name: str, classes: Sequence[str], total: int) -> None:
        self.name = name
        self.classes = tuple(classes)
        self.total = total
        self._pixels = np.zeros(IGNORE + 1, np.int64)
        self._read = 0
        self._masks = 0  # label maps that hold only 0 and 255
        self._unreadable = []
        self._ignored_in_files = set()

    def add(self, counts: np.ndarray, ignore_index: int | Sequence[int] = IGNORE) -> None:
        """Add a label map.

        Args:
            counts: Number of pixels of each value, (256,).
            ignore_index: ``ignore_index`` of the data set, for a hint.
        """
        self._read += 1
        self._pixels += counts
        self._masks += np.flatnonzero(counts).tolist() == [0, IGNORE]
        self._ignored_in_files.update(np.ravel(ignore_index).tolist())

    def add_unreadable(self, error: str) -> None:
        """Add a label map that could not be read."""
        self._unreadable.append(error)

    def warnings(self) -> list[str]:
        """List a warning for each problem."""
        found = [self._no_pixel(), self._only_masks(), self._mostly_ignored()]
        if self._unreadable:
            found.append(
                f'{self._head()}: {len(self._unreadable)} cannot be read, the first: '
                f'{self._unreadable[0]}'
            )
        return [warning for warning in found if warning]

    def refusal(self) -> str | None:
        """Say why nothing can be learned from the labels; None if something can."""
        several = len(self.classes) > 1
        complete = self._read == self.total
        if not (several and complete and self._pixels[IGNORE] and len(self._present()) <= 1):
            return None
        only = ''.join(f' but {self._named(index)}' for index in self._present())
        return (
            f'{self._head()}: expected pixels of the {len(self.classes)} classes, got none{only}; '
            f'the other {self._share():.1f} % are {IGNORE}, which is ignored. A network could '
            f'always give the same answer and be right. {self._remedy()}'
        )

    def _no_pixel(self) -> str | None:
        absent = [i for i in range(len(self.classes)) if i not in self._present()]
        if not absent or not self._read:
            return None
        names = ', '.join(self._named(index) for index in absent[:SHOWN])
        more = f' and {len(absent) - SHOWN} more' if len(absent) > SHOWN else ''
        ignored = [self._named(index) for index in absent if index in self._ignored_in_files]
        hint = f'; the data set ignores {", ".join(ignored)} by its ignore_index' if ignored else ''
        return (
            f'{self._head()}: {len(absent)} of {len(self.classes)} classes have no pixel: '
            f'{names}{more}{hint}'
        )

    def _only_masks(self) -> str | None:
        # With two classes, one such mask is enough for a warning, because they often hold 0 and
        # 255. Otherwise most of the files must be such masks.
        if not self._masks or (len(self.classes) != 2 and 2 * self._masks <= self._read):
            return None
        return (
            f'{self._head()}: {self._masks} have only the values 0 and {IGNORE}, and {IGNORE} is '
            f'ignored. {self._remedy()}'
        )

    def _mostly_ignored(self) -> str | None:
        if self._share() <= 50:
            return None
        return f'{self._head()}: {self._share():.1f} % of the pixels are ignored ({IGNORE})'

    def _remedy(self) -> str:
        second = f' ({self._named(1)})' if len(self.classes) > 1 else ''
        return (
            f'If {IGNORE} stands for class 1{second}, load the labels with '
            f"dict(type='LoadLabelMap', colors={{0: 0, {IGNORE}: 1}}) in all pipelines"
        )

    def _head(self) -> str:
        read = self._read + len(self._unreadable)
        return f'{self.name}: {read} of {self.total} label maps read'

    def _named(self, index: int) -> str:
        return f'{self.classes[index]!r} ({index})'

    def _present(self) -> list[int]:
        return np.flatnonzero(self._pixels[: len(self.classes)]).tolist()

    def _share(self) -> float:
        """Compute the share of ignored pixels in percent."""
        return 100 * self._pixels[IGNORE] / max(self._pixels.sum(), 1)
