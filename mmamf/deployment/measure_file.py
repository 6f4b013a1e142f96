from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.registry import DATASETS, METRICS
from mmengine.structures import PixelData
from rich.progress import track

from mmamf.apis.onnx_segmentor import OnnxSegmentor
from mmamf.ensemble import ENSEMBLE, metric_key

from .calibration_images import planes_of


def measure_file(path: Path, cfg: Config) -> dict[str, float]:
    """Measure the mIoU of an exported file on the validation set of a config.

    The config's MultimodalIoUMetric counts, as in a validation. The images come through the
    config's pipeline, one by one.

    Args:
        path: The ONNX file.
        cfg: The config, with ``val_dataloader`` and ``val_evaluator``.

    Returns:
        mIoU in percent of the ensemble and of every modality, by name.

    Raises:
        ValueError: If the config has no MultimodalIoUMetric, or a prediction does not fit its label
            map.
    """
    segmentor = OnnxSegmentor(path, 'cpu')
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    metric = _build_metric(cfg.val_evaluator)
    metric.dataset_meta = dataset.metainfo
    for index in track(range(len(dataset)), path.stem):
        packed = dataset[index]
        sample, planes = packed['data_samples'], planes_of(packed)
        item = dict(
            inputs=np.concatenate([planes[name] for name in segmentor.modalities]),
            present=tuple(name for name in segmentor.modalities if name in sample.present),
        )
        (maps,) = segmentor.predict([item])
        for source in (ENSEMBLE, *segmentor.modalities):
            if source in maps:
                labels = PixelData(data=torch.from_numpy(maps[source].copy())[None])
                sample.set_field(labels, _key(source), dtype=PixelData)
        metric.process(packed, [sample.to_dict()])
    metrics = metric.evaluate(len(dataset))
    keys = {source: metric_key(source, 'mIoU') for source in (ENSEMBLE, *segmentor.modalities)}
    return {source: float(metrics[key]) for source, key in keys.items() if key in metrics}


def _key(source: str) -> str:
    return 'pred_sem_seg' if source == ENSEMBLE else f'pred_sem_seg_{source}'


def _build_metric(evaluator: dict | list[dict]) -> BaseMetric:
    entries = evaluator if isinstance(evaluator, list) else [evaluator]
    kinds = [str(entry['type']).split('.')[-1] for entry in entries]
    if 'MultimodalIoUMetric' not in kinds:
        raise ValueError(f'val_evaluator: expected MultimodalIoUMetric, got {kinds}')
    entry = dict(entries[kinds.index('MultimodalIoUMetric')])
    for option in ('output_dir', 'format_only'):  # nothing is to be written here
        entry.pop(option, None)
    return METRICS.build(entry)
