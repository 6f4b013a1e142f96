import glob
import os
import os.path as osp
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmamf.apis.find_images import list_folder, list_glob

SETTLED = 0.5  # seconds for which the size and time of a complete file do not change
PATIENCE = 30.0  # seconds for which a damaged or lacking file may become complete


@dataclass
class _Sample:
    files: dict[str, str]
    stamps: tuple
    since: float
    done: bool = False


class WatchedFolder:
    """Finds the samples that a camera writes into folders, when their files are complete.

    A sample is ready when it has a file of every modality and no file has changed for half a
    second. A file may still be damaged then, because its writer is slow: after :meth:`failed`, the
    sample is tried again. When its files have not changed for ``patience`` seconds, it is given up,
    until one of them changes. A sample without a file of an optional modality is ready after
    ``patience`` seconds, too.

    Memory grows by the names of the files that are in the folders.

    Args:
        places: Modality -> a folder or a glob.
        suffixes: Modality -> end of its file names.
        optional: Modalities that a sample may lack.
        results: Folders of results, which are left out.
        patience: Seconds.

    Raises:
        ValueError: If a place is neither an existing folder nor a glob.
    """

    def __init__(
        self,
        places: Mapping[str, str],
        suffixes: Mapping[str, str],
        optional: Collection[str] = (),
        results: Collection[str | Path] = (),
        patience: float = PATIENCE,
    ) -> None:
        places = {name: osp.expanduser(place) for name, place in places.items()}
        for name, place in places.items():
            if not osp.isdir(place) and (osp.isfile(place) or not glob.has_magic(place)):
                raise ValueError(
                    f'--watch: expected a folder that exists or a glob for {name!r}, got {place}'
                )
        self.places = {name: osp.normpath(place) for name, place in places.items()}
        self.suffixes = suffixes
        self.optional = frozenset(optional)
        self.results = results
        self.patience = patience
        self._samples: dict[str, _Sample] = {}

    def look(self) -> tuple[dict[str, dict[str, str]], list[str]]:
        """Look at the folders once.

        Returns:
            Name of each sample that is ready -> its files, and messages about samples that lack
            files for too long.

        Raises:
            ValueError: If two files of a modality have the same name.
        """
        now, known = time.monotonic(), self._samples
        self._samples, ready, messages = {}, {}, []
        for name, files in sorted(self._list().items()):
            stamps = tuple(map(_stamp, files.values()))
            sample = known.get(name)
            if sample is None or (sample.files, sample.stamps) != (files, stamps):
                sample = _Sample(files, stamps, now)
            self._samples[name] = sample
            age = now - sample.since
            lacking = self.places.keys() - files
            if sample.done or age < (self.patience if lacking else SETTLED):
                continue
            if lacking <= self.optional:
                ready[name] = files
            else:
                sample.done = True
                lacking = ', '.join(name for name in self.places if name in lacking)
                messages.append(f'{name}: no file of {lacking} after {self.patience:g} s')
        return ready, messages

    def finished(self, name: str) -> None:
        """Note that a sample is segmented; it is ready again when a file of it changes."""
        self._samples[name].done = True

    def failed(self, name: str) -> bool:
        """Note that a sample cannot be read.

        Returns:
            Whether it is given up.
        """
        sample = self._samples[name]
        sample.done = time.monotonic() - sample.since >= self.patience
        return sample.done

    def _list(self) -> dict[str, dict[str, str]]:
        samples: dict[str, dict[str, str]] = {}
        for modality, place in self.places.items():
            find = list_folder if osp.isdir(place) else list_glob
            found, _ = find(place, self.suffixes.get(modality, ''), self.results)
            for name, path in found:
                files = samples.setdefault(name, {})
                if modality in files:
                    raise ValueError(
                        f'modality {modality!r}: expected files of different names, got '
                        f'{files[modality]} and {path}, both {name!r}'
                    )
                files[modality] = path
        return samples


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:  # it was removed or renamed meanwhile
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
