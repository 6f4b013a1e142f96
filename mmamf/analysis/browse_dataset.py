"""Shows the samples that a model gets, with their labels."""

import argparse
import copy
from collections.abc import Iterator

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, MODELS, init_default_scope
from mmengine.runner import set_random_seed
from rich.progress import track

from mmamf.datasets.nested_datasets import find_descriptions
from mmamf.datasets.transforms.load_label_map import IGNORE
from mmamf.models.data_preprocessors import (
    MultimodalSegDataPreprocessor,
    MultimodalTranslationDataPreprocessor,
)
from mmamf.visualization import PredictionSheet, colorize_image, picture_of
from mmamf.visualization.colors import BLACK


class Segmentations:
    """Samples of a segmentation, as images and label maps.

    Args:
        dataset: A MultimodalSegDataset.
        preprocessor: The data preprocessor of the model.
    """

    def __init__(self, dataset, preprocessor: MultimodalSegDataPreprocessor) -> None:
        self.sheet = PredictionSheet(dataset.metainfo['classes'], dataset.metainfo['palette'])
        self.modalities = preprocessor.modalities
        self._preprocessor = preprocessor
        self._described = find_descriptions(dataset)

    def add(self, inputs: torch.Tensor, sample) -> None:
        """Add one sample, as the model gets it, to the sheet."""
        labels = {}
        if 'gt_sem_seg' in sample:
            label = sample.gt_sem_seg.data.squeeze(0).numpy()
            if label.shape == tuple(sample.img_shape):  # in tests, only images are padded
                height, width = inputs.shape[1:]
                border = (0, height - label.shape[0]), (0, width - label.shape[1])
                label = np.pad(label, border, constant_values=IGNORE)
            labels['label'] = label
        images = self._images(inputs)
        present = sample.metainfo.get('present', self.modalities)
        images = {name: images[name] if name in present else None for name in self.modalities}
        self.sheet.add_row(sample.sample_name, images, labels)

    def _images(self, inputs: torch.Tensor) -> dict[str, np.ndarray]:
        """Undo normalization, repetition and reordering of channels; missing readings are NaN."""
        values = inputs * self._preprocessor.std + self._preprocessor.mean
        order = self._preprocessor.channel_index.tolist()  # channel in the file of each channel
        images, start = {}, 0
        for name in self.modalities:
            modality = self._described[name]
            stop = start + modality.num_channels
            planes = values[[order.index(channel) for channel in range(start, stop)]]
            image = planes.permute(1, 2, 0).numpy()  # (C, H, W) -> (H, W, C)
            holes = np.isnan(image).all(-1)
            image = np.nan_to_num(image)
            if np.dtype(modality.dtype).kind in 'iu':
                limits = np.iinfo(modality.dtype)
                image = image.round().clip(limits.min, limits.max)
            images[name] = colorize_image(
                image.astype(modality.dtype),
                modality.missing,
                modality.is_bgr(modality.suffix),
            )
            images[name][holes] = BLACK
            start = stop
        return images


class Translations:
    """Samples of a translation, as images.

    Args:
        dataset: A MultimodalTranslationDataset.
        preprocessor: The data preprocessor of the model.
    """

    def __init__(self, dataset, preprocessor: MultimodalTranslationDataPreprocessor) -> None:
        self.sheet = PredictionSheet(classes=(), palette=())
        self.modalities = dataset.modalities
        self._preprocessor = preprocessor

    def add(self, inputs: torch.Tensor, sample) -> None:
        """Add one sample, as the model gets it, to the sheet."""
        images = self._preprocessor.destruct(inputs).split(3)
        columns = dict(zip(self.modalities, map(picture_of, images)))
        columns[f'target: {sample.target}'] = picture_of(sample.gt_img)
        self.sheet.add_row(sample.sample_name, columns)


def feed(dataset, preprocessor, indices: list[int], training: bool) -> Iterator[tuple]:
    """Yield the input of the model, NaN where a reading is missing, and the data sample."""
    for index in track(indices, 'loading'):
        data = dataset[index]
        batch = preprocessor(pseudo_collate([data]), training)
        inputs, sample = batch['inputs'][0], batch['data_samples'][0]
        if isinstance(preprocessor, MultimodalSegDataPreprocessor):
            holes = data['inputs'].float()[preprocessor.channel_index].isnan()
            inputs[:, : holes.shape[1], : holes.shape[2]].masked_fill_(holes, torch.nan)
        yield inputs, sample


def browse(cfg: Config, phase: str, number: int) -> tuple[PredictionSheet, dict[str, torch.Tensor]]:
    """Draw samples; return the sheet and the values that the model gets of each modality.

    Raises:
        ValueError: If the config has no data for the phase, or its preprocessor is not ours.
    """
    loader = cfg.get(f'{phase}_dataloader')
    if loader is None:
        raise ValueError(f'--phase: expected {phase}_dataloader in the config, got none')
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    kinds = {
        MultimodalSegDataPreprocessor: Segmentations,
        MultimodalTranslationDataPreprocessor: Translations,
    }
    if type(preprocessor) not in kinds:
        raise ValueError(
            f'model.data_preprocessor: expected one of {[kind.__name__ for kind in kinds]}, got '
            f'{type(preprocessor).__name__}'
        )
    dataset = DATASETS.build(copy.deepcopy(loader.dataset))
    samples = kinds[type(preprocessor)](dataset, preprocessor)
    set_random_seed(cfg.get('randomness', {}).get('seed') or 0)
    last = len(dataset) - 1
    indices = np.linspace(0, last, min(number, last + 1)).round().astype(int).tolist()
    values = {name: [] for name in samples.modalities}
    for inputs, sample in feed(dataset, preprocessor, indices, training=phase == 'train'):
        samples.add(inputs, sample)
        for name, planes in zip(values, inputs.chunk(len(values))):
            values[name].append(planes[~planes.isnan()])
    return samples.sheet, {name: torch.cat(planes) for name, planes in values.items()}


def browse_config(args: argparse.Namespace) -> None:
    """Draw the sheet and print the statistics, given the arguments of `tools/browse_dataset.py`."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    sheet, values = browse(cfg, args.phase, args.number)
    path = args.out / f'{args.phase}.png'
    sheet.save(path)
    for name, fed in values.items():
        if not len(fed):
            print(f'{name}: absent in all samples')
            continue
        print(
            f'{name}: {fed.min():.2f} to {fed.max():.2f}, mean {fed.mean():.2f}, '
            f'standard deviation {fed.std():.2f}'
        )
    print(path)
