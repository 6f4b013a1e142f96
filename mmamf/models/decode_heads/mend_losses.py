import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmseg.models.losses import FocalLoss, cross_entropy_loss
from torch import Tensor


def mend_losses() -> None:
    """Mend what mmseg 1.2.2's losses get wrong; may be called any number of times.

    - CrossEntropyLoss with ``class_weight``: an ignored label is looked up among the classes
      (cross_entropy_loss.py:57), which is an IndexError. It has the weight 0 where
      ``avg_non_ignore`` is set; else it has the weight 1, so that weights of 1 change nothing.
    - The same with ``use_sigmoid``: the weights of the classes are applied to the columns of the
      image (:145). A batch without a label that counts is an error (:122); its loss is 0.
    - FocalLoss on a CPU: it compares the logits of all classes with one column (focal_loss.py:271),
      which is an error.
    """
    for name, mend in (('cross_entropy', _weighted), ('binary_cross_entropy', _by_channel)):
        function = getattr(cross_entropy_loss, name)
        if not hasattr(function, '__wrapped__'):
            setattr(cross_entropy_loss, name, mend(function))
    if not hasattr(FocalLoss.forward, '__wrapped__'):
        FocalLoss.forward = _with_one_hot_labels(FocalLoss.forward)


def _weighted(cross_entropy: Callable) -> Callable:
    @functools.wraps(cross_entropy)
    def mended(pred: Tensor, label: Tensor, weight: Tensor | None = None, **kwargs) -> Tensor:
        weights, is_mean = kwargs.get('class_weight'), kwargs.get('reduction', 'mean') == 'mean'
        if weights is not None and is_mean and kwargs.get('avg_factor') is None:
            ignored = label == _ignored(kwargs)
            label_weights = weights[label.masked_fill(ignored, 0)]
            label_weights[ignored] = 0.0 if kwargs.get('avg_non_ignore') else 1.0
            kwargs['avg_factor'] = label_weights.sum()
        return cross_entropy(pred, label, weight, **kwargs)

    return mended


def _by_channel(binary_cross_entropy: Callable) -> Callable:
    @functools.wraps(binary_cross_entropy)
    def mended(pred: Tensor, label: Tensor, weight: Tensor | None = None, **kwargs) -> Tensor:
        if (label == _ignored(kwargs)).all():
            return 0 * pred.sum()
        weights = kwargs.get('class_weight')
        if weights is not None and pred.dim() == 4 and pred.shape[1] > 1:
            kwargs['class_weight'] = weights.view(-1, 1, 1)
        return binary_cross_entropy(pred, label, weight, **kwargs)

    return mended


def _ignored(kwargs: dict) -> int:
    ignore_index = kwargs.get('ignore_index')
    return -100 if ignore_index is None else ignore_index  # -100: mmseg's default, no label


def _with_one_hot_labels(forward: Callable) -> Callable:
    @functools.wraps(forward)
    def mended(
        self: FocalLoss,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
        **kwargs,
    ) -> Tensor:
        if pred.is_cuda or pred.shape == target.shape:
            return forward(self, pred, target, weight, ignore_index=ignore_index, **kwargs)
        counts = target != ignore_index
        labels = target.masked_fill(~counts, 0)
        # (N, H, W) -> (N, K, H, W); one channel is the probability of class 1
        channels = pred.shape[1]
        one_hot = labels[:, None]
        if channels > 1:
            one_hot = F.one_hot(labels, channels).movedim(-1, 1)
        counts = counts.flatten().to(pred)
        weight = counts if weight is None else counts * weight.flatten()
        return forward(self, pred, one_hot.to(torch.long), weight, **kwargs)

    return mended
