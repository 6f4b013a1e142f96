from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from mmamf.datasets.transforms import LoadMultimodalImages
from mmamf.datasets.transforms.read_image import read_image
from mmamf.visualization import PredictionSheet, colorize_image

PREDICTION = 'pred_sem_seg_'  # key of a modality's prediction, without its name


@HOOKS.register_module()
class PredictionSheetHook(Hook):
    """Draws ``prediction_sheet.png`` after a test: inputs, truth and predictions side by side.

    A row per sample, a column per modality (read again from its file, in raw values), the truth
    where there are labels, every modality's prediction where the model gives one, and the ensemble.
    Samples are evenly spaced over the test set; in distributed tests, over the main process's part
    of it.

    Args:
        num_samples: How many samples to show.
        out_dir: Where the sheet goes; by default beside the log of the run.

    Raises:
        ValueError: If ``num_samples`` is not positive.
    """

    def __init__(self, num_samples: int = 8, out_dir: str | None = None) -> None:
        if num_samples < 1:
            raise ValueError(f'num_samples: expected at least 1, got {num_samples}')
        self.num_samples = num_samples
        self.out_dir = out_dir
        self._chosen: set[int] = set()
        self._seen = 0

    def before_test_epoch(self, runner: Runner) -> None:
        """Choose the samples, and read from the data set how to paint them.

        Args:
            runner: The runner of the test.
        """
        loader = runner.test_dataloader
        last = len(loader.sampler) - 1
        chosen = np.linspace(0, last, min(self.num_samples, last + 1)).round()
        self._chosen = set(chosen.astype(int)) if is_main_process() else set()
        self._seen = 0
        meta = loader.dataset.metainfo
        self._sheet = PredictionSheet(meta['classes'], meta['palette'])
        self._loading = _find_loading(loader.dataset)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        """Add the chosen samples of a batch to the sheet.

        Args:
            runner: Not used.
            batch_idx: Not used.
            data_batch: Not used.
            outputs: The predicted samples.
        """
        for sample in outputs or ():
            if self._seen in self._chosen:
                self._add(sample)
            self._seen += 1

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Write the sheet.

        Args:
            runner: The runner of the test.
            metrics: Not used.
        """
        if self._chosen:
            path = Path(self.out_dir or runner.log_dir, 'prediction_sheet.png')
            self._sheet.save(path)
            runner.logger.info(f'Sheet of predictions: {path}')

    def _add(self, sample: SegDataSample) -> None:
        paths = sample.get('modality_paths') or {}
        if not paths and 'img_path' in sample:
            paths = dict(image=sample.img_path)
        label_maps = dict(truth='gt_sem_seg') if 'gt_sem_seg' in sample else {}
        found = {key for key in sample.keys() if key.startswith(PREDICTION)}  # noqa: SIM118
        ordered = [PREDICTION + name for name in paths if PREDICTION + name in found]
        for key in [*ordered, *sorted(found.difference(ordered))]:
            label_maps[f'prediction: {key.removeprefix(PREDICTION)}'] = key
        label_maps['ensemble' if found or len(paths) > 1 else 'prediction'] = 'pred_sem_seg'
        self._sheet.add_row(
            Path(next(iter(paths.values()), '')).stem,
            {name: self._read(name, path) for name, path in paths.items()},
            {
                heading: sample.get(key).data.squeeze(0).cpu().numpy()
                for heading, key in label_maps.items()
            },
        )

    def _read(self, name: str, path: str) -> np.ndarray:
        specs = self._loading.modalities if self._loading else {}
        image = read_image(path, self._loading and self._loading.backend_args)
        # arrays are shown in the order in which they were saved
        return colorize_image(
            image, specs.get(name, {}).get('missing'), bgr=not path.lower().endswith('.npy')
        )


def _find_loading(dataset: Any) -> LoadMultimodalImages | None:
    """Find the transform that knows the modalities' files."""
    while hasattr(dataset, 'datasets'):  # several data sets in one
        dataset = dataset.datasets[0]
    for transform in dataset.pipeline.transforms:
        if isinstance(transform, LoadMultimodalImages):
            return transform
    return None
