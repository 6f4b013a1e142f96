from pathlib import Path
from typing import Any

import numpy as np
from mmengine.registry import HOOKS
from mmseg.structures import SegDataSample

from mmamf.datasets.nested_datasets import find_descriptions, find_loading
from mmamf.datasets.transforms.checked_image import load_image
from mmamf.datasets.transforms.read_image import read_image
from mmamf.ensemble import ENSEMBLE
from mmamf.visualization import PredictionSheet, colorize_image

from .sheet_hook import SheetHook

PREDICTION = 'pred_sem_seg_'  # key of a modality's prediction, without its name


@HOOKS.register_module()
class PredictionSheetHook(SheetHook):
    """Draws ``prediction_sheet.png`` after a test: inputs, truth and predictions side by side.

    The sheet has a row per sample. Its columns are the modalities (read again from their files),
    the truth if there are labels, each modality's prediction if the model gives one, and the
    ensemble. Cells of an absent modality stay empty.

    Its arguments are those of :class:`SheetHook`.
    """

    file_name = 'prediction_sheet.png'

    def begin_sheet(self, dataset: Any) -> PredictionSheet:
        """Make a sheet with the classes and colors of the data set."""
        self._described = find_descriptions(dataset)
        self._backend_args = getattr(find_loading(dataset), 'backend_args', None)
        return PredictionSheet(dataset.metainfo['classes'], dataset.metainfo['palette'])

    def add_sample(self, sample: SegDataSample) -> None:
        """Add inputs, truth and predictions of a sample."""
        paths = dict(sample.get('modality_paths') or {})
        if not paths and 'img_path' in sample:
            paths = dict(image=sample.img_path)
        present = sample.get('present', [*paths])
        paths = {name: path if name in present else None for name, path in paths.items()}
        label_maps = dict(truth='gt_sem_seg') if 'gt_sem_seg' in sample else {}
        found = {key for key in sample.keys() if key.startswith(PREDICTION)}  # noqa: SIM118
        members = [PREDICTION + name for name in paths] if found else []
        for key in [*members, *sorted(found.difference(members))]:
            label_maps[f'prediction: {key.removeprefix(PREDICTION)}'] = key
        label_maps[ENSEMBLE if found or len(paths) > 1 else 'prediction'] = 'pred_sem_seg'
        self.sheet.add_row(
            Path(next(filter(None, paths.values()), '')).stem,
            {name: self._read(name, path) for name, path in paths.items()},
            {
                heading: sample.get(key).data.squeeze(0).cpu().numpy() if key in sample else None
                for heading, key in label_maps.items()
            },
        )

    def _read(self, name: str, path: str | None) -> np.ndarray | None:
        if path is None:
            return None
        modality = self._described.get(name)
        if modality is None:
            return colorize_image(read_image(path), bgr=not path.lower().endswith('.npy'))
        image, missing = load_image(path, modality, self._backend_args)
        return colorize_image(image, missing, modality.is_bgr(path))
