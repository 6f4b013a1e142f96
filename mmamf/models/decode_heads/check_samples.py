"""Checks of the samples that a ModalityEnsembleHead gets."""

from collections.abc import Sequence

from mmseg.utils import SampleList
from torch import Tensor, nn

from ...ensemble import modality_names
from ..host_copy import on_host
from .check_losses import losses_of


def check_labels(head: nn.Module, samples: SampleList, ignore_index: int | None) -> None:
    """Refuse labels that a decode head cannot predict, before torch fails on them.

    Args:
        head: The wrapped decode head.
        samples: The samples with their labels.
        ignore_index: The label that the config of the head ignores; None if it names none.

    Raises:
        ValueError: If a label is not a class of the head, or a loss does not fit its classes.
    """
    for sample in samples:
        labels = sample.gt_sem_seg.data
        if ignore_index is not None:  # then padding is ignored, which the copy lacks
            labels = on_host(labels)
        wrong = (labels < 0) | (labels >= head.num_classes)
        wrong &= (labels != ignore_index) & (labels != head.ignore_index)
        if wrong.any():
            raise ValueError(
                f'{sample.metainfo.get("seg_map_path", sample.metainfo.get("img_path"))}: '
                f'expected labels from 0 to {head.num_classes - 1}, as decode_head has '
                f'num_classes={head.num_classes}, or {head.ignore_index} (ignored), got '
                f'{labels[wrong].unique().tolist()}: set num_classes of the head to the number '
                'of classes of the data set'
            )
    for loss in losses_of(head):  # only training needs use_sigmoid
        if head.out_channels == 1 and not getattr(loss, 'use_sigmoid', True):
            raise ValueError(
                f'loss_decode: expected {type(loss).__name__} with use_sigmoid=True, as the '
                'head has out_channels=1, got use_sigmoid=False'
            )


def check_presence(presence: Tensor | None, metas: Sequence[dict], num_modalities: int) -> None:
    """Refuse features whose mask disagrees with the samples about the modalities present.

    Args:
        presence: The mask of the features, (N, M); None if all modalities are present.
        metas: What the samples say about themselves.
        num_modalities: Number of modalities M.

    Raises:
        ValueError: If they disagree.
    """
    if not any('present' in meta for meta in metas):
        return
    for index, meta in enumerate(metas):
        names = modality_names(meta, num_modalities)
        expected = tuple(name for name in names if name in meta.get('present', names))
        known = [True] * len(names) if presence is None else on_host(presence)[index].tolist()
        got = tuple(name for name, there in zip(names, known) if there)
        if got != expected:
            raise ValueError(
                f'expected features of {expected}, which {meta.get("img_path")} has, got '
                f'features of {got}. Samples that lack modalities need MultimodalSegmentor '
                '(a stock segmentor with a stock neck loses the mask), '
                'MultimodalSegDataPreprocessor and no torch.compile'
            )
