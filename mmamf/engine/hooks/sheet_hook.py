from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from mmamf.visualization import PredictionSheet


class SheetHook(Hook):
    """Base of the hooks that draw a sheet of some samples after a test and after a validation.

    Samples are evenly spaced over the data set. In a distributed run, only the main process's part
    is used. A subclass defines how to begin a sheet and how to add a sample. The sheet of the next
    validation replaces the last one.

    Args:
        num_samples: Number of samples to show.
        out_dir: Folder of the sheet; by default the folder of the log.

    Raises:
        ValueError: If ``num_samples`` is not positive.
    """

    file_name: str

    def __init__(self, num_samples: int = 8, out_dir: str | None = None) -> None:
        if num_samples < 1:
            raise ValueError(f'num_samples: expected at least 1, got {num_samples}')
        self.num_samples = num_samples
        self.out_dir = out_dir
        self._chosen: set[int] = set()
        self._seen = 0

    @abstractmethod
    def begin_sheet(self, dataset: Any) -> PredictionSheet:
        """Make an empty sheet for samples of a data set."""

    @abstractmethod
    def add_sample(self, sample: BaseDataElement) -> None:
        """Add a row to ``self.sheet``."""

    def _before_epoch(self, runner: Runner, mode: str = 'train') -> None:
        """Choose the samples of a validation or a test, and begin a sheet for its data set."""
        if mode == 'train':
            return
        loader = runner.val_dataloader if mode == 'val' else runner.test_dataloader
        last = len(loader.sampler) - 1
        chosen = np.linspace(0, last, min(self.num_samples, last + 1)).round()
        self._chosen = set(chosen.astype(int)) if is_main_process() else set()
        self._seen = 0
        self.sheet = self.begin_sheet(loader.dataset)

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[BaseDataElement] | None = None,
        mode: str = 'train',
    ) -> None:
        """Add the chosen samples of a batch to the sheet."""
        if mode == 'train':
            return
        for sample in outputs or ():
            if self._seen in self._chosen:
                self.add_sample(sample)
            self._seen += 1

    def _after_epoch(self, runner: Runner, mode: str = 'train') -> None:
        """Write the sheet."""
        if mode != 'train' and self._chosen:
            path = Path(self.out_dir or runner.log_dir, self.file_name)
            self.sheet.save(path)
            runner.logger.info(f'Sheet of predictions: {path}')
