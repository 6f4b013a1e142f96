"""Measures how fast a config's training pipeline loads, compared with OpenCV on the same files."""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from mmcv.image.geometric import cv2_interp_codes
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, init_default_scope
from mmseg.datasets.transforms import RandomCrop
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, Dataset

from mmamf.datasets.transforms import RandomScale

from .interleaved import ratio, spread, take_turns


class Bare(Dataset):
    """The files of a data set, read by OpenCV alone, or also resized and cropped."""

    def __init__(self, source: BaseDataset, resize_and_crop: bool, length: int) -> None:
        self.interpolations = [m.resizing for m in source.descriptions.values()] + ['nearest']
        self.infos = [source.get_data_info(index) for index in range(len(source))]
        self.length = length
        self.scale = self.crop = None
        if resize_and_crop:
            self.scale = _find(source, RandomScale)
            self.crop = _find(source, RandomCrop).crop_size

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        info = self.infos[index % len(self.infos)]
        paths = [*info['modality_paths'].values(), info['seg_map_path']]
        images = [cv2.imread(path, cv2.IMREAD_UNCHANGED) for path in paths if path is not None]
        if self.scale is not None:
            images = self._resize_and_crop(images)
        # a small result, so that no time goes into moving pixels between processes
        return sum(image.nbytes for image in images)

    def _resize_and_crop(self, images: list[np.ndarray]) -> list[np.ndarray]:
        height, width = images[0].shape[:2]
        ratio = np.random.uniform(*self.scale.ratio_range)
        ratio = max(ratio, self.scale.min_side / min(height, width))
        size = (round(width * ratio), round(height * ratio))
        images = [
            cv2.resize(image, size, interpolation=cv2_interp_codes[name])
            for image, name in zip(images, self.interpolations)
        ]
        top = np.random.randint(max(size[1] - self.crop[0], 0) + 1)
        left = np.random.randint(max(size[0] - self.crop[1], 0) + 1)
        return [i[top : top + self.crop[0], left : left + self.crop[1]].copy() for i in images]


class Pipeline(Dataset):
    """The config's data set, repeated."""

    def __init__(self, source: BaseDataset, length: int, send: bool) -> None:
        self.source = source
        self.length = length
        self.send = send

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict | int:
        sample = self.source[index % len(self.source)]
        return sample if self.send else sample['inputs'].nbytes


def _find(source: BaseDataset, kind: type) -> object:
    for step in source.pipeline.transforms:
        stock = getattr(step, 'step', step)
        if isinstance(stock, kind):
            return stock
    raise ValueError(f'expected {kind.__name__} in the training pipeline, found none')


def samples_per_second(loader: DataLoader) -> float:
    """Measure the speed of a loader in one pass."""
    iterator = iter(loader)
    next(iterator)  # does not measure the start of the workers
    start = time.perf_counter()
    count = sum(len(batch) for batch in iterator)
    return count / (time.perf_counter() - start)


def time_transforms(source: BaseDataset, samples: int) -> dict[str, float]:
    """Measure each transform of the pipeline in this process, in ms per sample."""
    spent = defaultdict(float)
    for index in range(samples):
        results = source.get_data_info(index % len(source))
        for step in source.pipeline.transforms:
            start = time.perf_counter()
            results = step(results)
            spent[type(getattr(step, 'step', step)).__name__] += time.perf_counter() - start
    return {name: 1000 * seconds / samples for name, seconds in spent.items()}


def make_loader(dataset: Dataset, batch_size: int, workers: int, collate: Callable) -> DataLoader:
    """Make a loader that keeps its workers from one repetition to the next."""
    return DataLoader(
        dataset,
        batch_size,
        num_workers=workers,
        collate_fn=collate,
        persistent_workers=workers > 0,
    )


def measure_loading(args: argparse.Namespace) -> None:
    """Measure and print, given the arguments of `tools/analysis/benchmark_loading.py`."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.default_scope)
    cv2.setNumThreads(0)  # as in training
    source = DATASETS.build(cfg.train_dataloader.dataset)
    batch_size = cfg.train_dataloader.batch_size
    length = args.samples + batch_size  # the first batch is not measured
    datasets = {
        'decode': Bare(source, False, length),
        'decode, resize, crop': Bare(source, True, length),
        'pipeline, not sent': Pipeline(source, length, send=False),
        'pipeline': Pipeline(source, length, send=True),
    }

    table = Table(title=f'samples/s, median of {args.repeats} (smallest..largest)')
    for column in ('workers', *datasets, 'pipeline / decode, resize, crop'):
        table.add_column(column)
    for workers in args.workers:
        loaders = {
            stage: make_loader(dataset, batch_size, workers, list)
            for stage, dataset in datasets.items()
        }
        turns = {stage: partial(samples_per_second, loader) for stage, loader in loaders.items()}
        rates = take_turns(turns, args.repeats)
        spreads = [spread(values) for values in rates.values()]
        cells = [f'{s.median:.1f} ({s.smallest:.1f}..{s.largest:.1f})' for s in spreads]
        against = ratio(rates['pipeline'], rates['decode, resize, crop'])
        table.add_row(str(workers), *cells, f'{against.median:.2f}')
    console = Console()
    console.print(table)

    parts = Table('transform', 'ms per sample', title='one process, no workers')
    for name, spent in time_transforms(source, args.samples).items():
        parts.add_row(name, f'{spent:.2f}')
    console.print(parts)
