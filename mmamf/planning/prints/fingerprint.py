"""The fingerprint of a data set: what its files contain, in few numbers."""

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmamf.datasets.transforms.missing_readings import find_missing
from mmamf.datasets.transforms.read_image import read_content

from ..samples.found_data import LABELS, FoundData, FoundSample
from .duplicates import find_duplicates
from .file_prints import ImagePrint, LabelPrint
from .measure_files import measure_files
from .peak_search import Pair
from .print_store import IMAGE, LABEL, PrintStore
from .registration import gradient_image, measure_offset
from .stored_image import decode_stored
from .summaries import LabelSummary, ModalitySummary, Offset
from .summarize_labels import summarize_labels
from .summarize_modality import summarize_modality

REGISTERED = 16  # samples that are compared to find an offset


class Fingerprint:
    """Reads all files of a data set once, in parallel, and keeps what it found in a file.

    A second run reads only new and changed files, also after an interrupted one. Memory does not
    grow with the number of images: the prints of the files are kept in an SQLite file, and read
    back one by one. Summaries are made when they are first asked for.

    Args:
        data: The samples, each with its split.
        cache: The SQLite file.
        workers: Number of processes; by default, as many as there are CPUs for this process.

    Raises:
        ValueError: If ``cache`` is a file of another kind.
    """

    def __init__(self, data: FoundData, cache: Path, workers: int | None = None) -> None:
        self.data = data
        self.store = PrintStore(cache, data.root)
        todo = self.store.expect(self._files())
        if todo:
            self._read(todo, workers or len(os.sched_getaffinity(0)))

    def images(self, modality: str) -> Iterator[tuple[str, ImagePrint]]:
        """Yield the name of each sample that has the modality, and the print of its file."""
        return self.store.images(self._paths(modality))

    def labels(self) -> Iterator[tuple[str, LabelPrint]]:
        """Yield the name of each sample with a label map, and the print of its file."""
        return self.store.labels(self._paths(LABELS))

    @cached_property
    def modalities(self) -> Mapping[str, ModalitySummary]:
        """The summary of each modality."""
        train = {sample.name for sample in self.data.of_split('train')}
        return {
            name: summarize_modality(name, self.images(name), train)
            for name in self.data.modalities
        }

    @cached_property
    def label_summary(self) -> LabelSummary | None:
        """The summary of the label maps; None if there are none."""
        if LABELS not in self.data.columns:
            return None
        splits = {sample.name: sample.split for sample in self.data.samples}
        return summarize_labels(self.labels(), splits, self.data.classes)

    @cached_property
    def offsets(self) -> Mapping[str, Offset]:
        """The offset of each modality but the first."""
        return {name: self._offset(name) for name in self.data.modalities[1:]}

    @cached_property
    def duplicates(self) -> list[tuple[str, str, bool]]:
        """Pairs of samples that look the same: (name, name, whether the bytes are equal).

        Of one pair, the first modality decides. Pairs across two splits come first; at most 1000.
        """
        return find_duplicates(self.data, self.store)

    def _files(self) -> Iterator[tuple[str, str]]:
        for sample in self.data.samples:
            for column, path in sample.files.items():
                yield LABEL if column == LABELS else IMAGE, path

    def _paths(self, column: str) -> Iterator[tuple[str, str]]:
        for sample in self.data.samples:
            if column in sample.files:
                yield sample.name, sample.files[column]

    def _read(self, files: list[tuple[str, str]], workers: int) -> None:
        columns = (
            TextColumn('Reading files'),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task('', total=len(files))
            for rows in measure_files(files, self.data.root, workers):
                self.store.add(rows)
                progress.advance(task, len(rows))

    def _offset(self, modality: str) -> Offset:
        first = self.data.modalities[0]
        both = [s for s in self.data.samples if {first, modality} <= s.files.keys()]
        places = np.linspace(0, len(both) - 1, min(len(both), REGISTERED)).round().astype(int)
        pairs, width = [], 1
        for sample in (both[place] for place in places):
            try:
                fixed, (height, width_of_one) = self._gradients(sample, first)
                if pairs and fixed.shape != pairs[0].fixed.shape:
                    continue  # offsets in pixels of different sizes cannot be compared
                moving, _ = self._gradients(sample, modality, fixed.shape[::-1])
            except ValueError:  # a damaged file; its print says so
                continue
            pairs.append(Pair(fixed, moving))
            width = width_of_one
        return measure_offset(modality, pairs, width)

    def _gradients(
        self, sample: FoundSample, modality: str, size: tuple[int, int] | None = None
    ) -> tuple[np.ndarray, tuple[int, int]]:
        path = str(self.data.root / sample.files[modality])
        try:
            stored = decode_stored(path, read_content(path))
        except FileNotFoundError as error:
            raise ValueError(str(error)) from error
        missing = (*self.modalities[modality].missing, *stored.nodata)
        holes = find_missing(stored.image, missing)
        return gradient_image(stored.image, holes, size), stored.image.shape[:2]
