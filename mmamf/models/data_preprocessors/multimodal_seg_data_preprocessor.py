import logging
from collections.abc import Sequence

import torch
from mmengine.logging import print_log
from mmengine.registry import MODELS
from mmseg.models import SegDataPreProcessor
from mmseg.structures import SegDataSample
from mmseg.utils import stack_batch

from mmamf.structures import Modality, read_modalities

from ..host_copy import keep_on_host
from ..presence import note_presence

IGNORE = 255  # label that heads ignore


@MODELS.register_module(name=['MultimodalSegDataPreprocessor', 'MultimodalSegDataPreProcessor'])
class MultimodalSegDataPreprocessor(SegDataPreProcessor):
    """Normalize, reorder and tile the channels of each modality; batch and pad as mmseg does.

    Each modality has its own mean, standard deviation, scale and color order:
    ``value = (raw * scale - mean) / std``. A modality with fewer channels than ``in_channels`` is
    tiled: 1, 2, 3, 1, 2, ... A network with ``bands`` has private convolutions for such modalities,
    and reads only the first copy. All of this runs on the device of the model, with one gather and
    two in-place operations for all modalities together.

    A missing reading is NaN in the inputs. It becomes the mean of its channel, which is 0 after
    normalization. If a modality has a ``fill``, in the units of the file, it becomes that value.

    mmseg's preprocessor pads at the right and below, after normalization, so ``pad_val`` is in
    normalized units (0 = the mean). In training, ``size=(H, W)`` pads every image to a fixed size.
    ``size_divisor=32`` pads a batch to its largest image, and further to multiples of 32, which
    some networks need. Without both, a batch is padded to its largest image; images of one size, as
    after RandomCrop, are not padded. In tests, only ``test_cfg=dict(size_divisor=...)`` pads.

    If ``present`` of a sample does not name a modality, its planes become NaN. So the information
    about presence travels inside the one tensor, through crops and windows, to the backbone.

    Args:
        modalities: A description of each modality, see :class:`Modality`, in the order of the
            samples' channels. Each needs ``channels``, ``mean`` and ``std``.
        in_channels: Channels that the model sees per modality. The default is the number of
            channels of the widest modality, and at least 3.
        **kwargs: Further arguments of :class:`mmseg.models.SegDataPreProcessor`.

    Shape:
        - ``inputs``: N tensors (sum of channels, H, W).
        - Output ``inputs``: (N, M * in_channels, H, W), float32.

    Raises:
        ValueError: If a description is wrong, a batch does not have the described modalities, order
            and numbers of channels, or ``present`` names no modality or an unknown one.
    """

    def __init__(
        self, modalities: Sequence[dict | Modality], in_channels: int | None = None, **kwargs
    ) -> None:
        taken = {'mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr'} & set(kwargs)
        if taken:
            raise ValueError(
                f'MultimodalSegDataPreprocessor: expected {sorted(taken)} in the entries of '
                '`modalities`, got them as arguments'
            )
        if kwargs.get('size') is None and kwargs.get('size_divisor') is None:
            kwargs['size_divisor'] = 1  # mmseg needs one of them in training
        super().__init__(**kwargs)
        self._non_blocking = True  # pinned or not, a copy to a device need not be waited for
        self.descriptions = read_modalities(modalities)
        self.modalities = tuple(self.descriptions)
        self.bands = tuple(modality.num_channels for modality in self.descriptions.values())
        self.in_channels = in_channels or max(3, *self.bands)
        index, mean, std, fill = [], [], [], []
        self.num_raw_channels = 0
        self._warned_of_sizes = False
        for modality in self.descriptions.values():
            (means, stds), scale = modality.statistics, modality.scale
            channels = modality.num_channels
            if channels > self.in_channels:
                raise ValueError(
                    f'modality {modality.name!r}: expected channels to be from 1 to in_channels = '
                    f'{self.in_channels}, got {channels}'
                )
            order = list(range(self.num_raw_channels, self.num_raw_channels + channels))
            order = order[::-1] if modality.bgr_to_rgb else order
            index += _tile(order, self.in_channels)
            # (raw * scale - mean) / std = (raw - mean / scale) / (std / scale)
            mean += _tile([value / scale for value in means], self.in_channels)
            std += _tile([value / scale for value in stds], self.in_channels)
            fill += _tile(modality.fills, self.in_channels)
            self.num_raw_channels += channels
        self.register_buffer('channel_index', torch.tensor(index), persistent=False)
        for name, values in (('mean', mean), ('std', std), ('fill', fill)):
            values = torch.tensor(values, dtype=torch.float32).view(-1, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turn collated samples into the model's input; ``data_samples`` may be absent or None."""
        labels = [
            sample.gt_sem_seg.data if 'gt_sem_seg' in sample else None
            for sample in data.get('data_samples') or []
        ]
        data = self.cast_data(data)
        samples = data.get('data_samples')
        for sample in samples or []:
            self._check_sample(sample)
            if 'gt_sem_seg' in sample:  # packed as uint8; mmseg's losses need int64
                sample.gt_sem_seg.data = sample.gt_sem_seg.data.long()
        inputs = [self._normalize(image) for image in data['inputs']]
        # mmseg writes the padding into data_samples, and needs them
        given = samples or [SegDataSample() for _ in inputs]
        notes = []
        if not training and len({image.shape[1:] for image in inputs}) > 1:
            inputs, notes = self._pad_alike(inputs, samples)
        batch = super().forward(dict(inputs=inputs, data_samples=given), training)
        for sample, note in zip(batch['data_samples'], notes):  # mmseg casts, so copies, the given
            sample.set_metainfo(note)
        for planes, sample in zip(batch['inputs'], samples or []):
            self._blank(planes, sample)
        rows = [self._presence(sample) for sample in samples or given]
        note_presence(batch['inputs'], rows)
        if samples:
            self._keep_labels(batch['data_samples'], labels)
        else:
            batch['data_samples'] = samples
        return batch

    def _keep_labels(self, samples: Sequence[SegDataSample], labels: Sequence) -> None:
        """Keep the labels where they came from, so that heads check them without waiting."""
        for sample, own in zip(samples, labels):
            if own is None or own.device.type != 'cpu' or self.batch_augments is not None:
                continue
            label = sample.gt_sem_seg.data
            if label.shape == own.shape or self.seg_pad_val == IGNORE:
                keep_on_host(label, own.int())

    def _normalize(self, image: torch.Tensor) -> torch.Tensor:
        if image.ndim != 3 or image.shape[0] != self.num_raw_channels:
            raise ValueError(
                f'inputs: expected (C, H, W) with C = {self.num_raw_channels}, the channels of the '
                f'modalities {self.modalities} together, got shape {tuple(image.shape)}'
            )
        # (sum of channels, H, W) -> (M * in_channels, H, W)
        planes = image.float().index_select(0, self.channel_index)
        if image.is_floating_point():  # integer images have no missing readings
            planes = torch.where(planes.isnan(), self.fill, planes)
        return planes.sub_(self.mean).div_(self.std)

    def _pad_alike(
        self, images: list[torch.Tensor], samples: list[SegDataSample] | None
    ) -> tuple[list[torch.Tensor], list[dict]]:
        """Pad images of a test, below and right, to one size.

        Returns:
            The images, and for every sample its padding, which the segmentor removes again.
        """
        if not samples:
            raise ValueError(
                'inputs: expected images of one size, because without data_samples the padding '
                f'cannot be noted, got {sorted({tuple(image.shape[1:]) for image in images})}'
            )
        test_cfg = self.test_cfg or {}
        size = [max(sides) for sides in zip(*(image.shape[1:] for image in images))]
        if test_cfg.get('size') is not None:
            size = [max(sides) for sides in zip(size, test_cfg['size'])]
        divisor = test_cfg.get('size_divisor') or 1
        size = [-(-side // divisor) * divisor for side in size]
        if not self._warned_of_sizes:
            self._warned_of_sizes = True
            print_log(
                'a batch has images of different sizes: they are padded to the largest, and the '
                'padding is cut off the predictions. Near a padded border these may differ from '
                'those of the image alone; batch_size=1 avoids that',
                logger='current',
                level=logging.WARNING,
            )
        padded, notes = stack_batch(images, size=size, pad_val=self.pad_val)
        return list(padded), notes

    def _blank(self, planes: torch.Tensor, sample: SegDataSample) -> None:
        """Mark the planes of absent modalities, (M * in_channels, H, W), in place."""
        for index, is_present in enumerate(self._presence(sample)):
            if not is_present:
                planes[index * self.in_channels : (index + 1) * self.in_channels] = torch.nan

    def _presence(self, sample: SegDataSample) -> list[bool]:
        present = sample.metainfo.get('present', self.modalities)
        return [name in present for name in self.modalities]

    def _check_sample(self, sample: SegDataSample) -> None:
        names = sample.metainfo.get('modalities')
        if names is None or tuple(names) != self.modalities:
            raise ValueError(
                f'data_preprocessor: expected samples with the modalities {self.modalities} in '
                f'this order, got {names} for {sample.metainfo.get("img_path")}'
            )
        channels = sample.metainfo.get('modality_channels', self.bands)
        if tuple(channels) != self.bands:
            raise ValueError(
                f'data_preprocessor: expected samples with {self.bands} channels of the modalities '
                f'{self.modalities}, got {channels} for {sample.metainfo.get("img_path")}'
            )
        present = sample.metainfo.get('present', names)
        if not present or not set(present) <= set(names):
            raise ValueError(
                f'data_preprocessor: expected `present` to name at least one of the modalities '
                f'{self.modalities} and no other, got {present} for '
                f'{sample.metainfo.get("img_path")}'
            )


def _tile(values: list, count: int) -> list:
    """Repeat a list in a cycle, to the given length."""
    return [values[index % len(values)] for index in range(count)]
