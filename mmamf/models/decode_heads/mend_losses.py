import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads import decode_head
from mmseg.models.losses import (
    DiceLoss,
    FocalLoss,
    HuasdorffDisstanceLoss,
    cross_entropy_loss,
    dice_loss,
    lovasz_loss,
)
from torch import Tensor


def mend_losses() -> None:
    """Correct errors in the losses of mmseg 1.2.2; a second call changes nothing.

    And on a GPU, the host does not wait to count the pixels of CrossEntropyLoss with
    ``avg_non_ignore`` and of ``acc_seg``, three times in a step for every head.

    - CrossEntropyLoss with ``class_weight`` looks up the weight of an ignored label among the
      classes (cross_entropy_loss.py:57) and raises an IndexError. Now an ignored label has the
      weight 0 if ``avg_non_ignore`` is set, and else the weight 1, so that class weights of 1
      change nothing.
    - CrossEntropyLoss with ``use_sigmoid`` applies the class weights to the columns of the image
      (:145). It raises an error for a batch in which all labels are ignored (:122); now its loss is
      0.
    - FocalLoss on a CPU raises an error, because it compares the logits of all classes with one
      column (focal_loss.py:271).
    - DiceLoss with one channel learns the background (dice_loss.py:25). With any number of
      channels, it counts predictions at ignored pixels (:78).
    - HuasdorffDisstanceLoss takes ignored pixels for background (huasdorff_distance_loss.py:131).
    - LovaszLoss raises an error for an image in which all labels are ignored (lovasz_loss.py:136);
      now its loss is 0.
    """
    for owner, name, mend in (
        (decode_head, 'accuracy', _counted_on_device),
        (cross_entropy_loss, 'cross_entropy', _weighted),
        (cross_entropy_loss, 'binary_cross_entropy', _by_channel),
        (FocalLoss, 'forward', _with_one_hot_labels),
        (DiceLoss, 'forward', _with_marked_labels),
        (dice_loss, 'dice_loss', _where_marked),
        (HuasdorffDisstanceLoss, 'forward', _sure_where_ignored),
        (lovasz_loss, 'lovasz_softmax_flat', _zero_of_nothing),
    ):
        function = getattr(owner, name)
        if not hasattr(function, '__wrapped__'):
            setattr(owner, name, _mended(function, mend))


def _mended(function: Callable, mend: Callable) -> Callable:
    """Make a function that calls ``mend`` with the arguments of ``function``, which comes first."""

    @functools.wraps(function)
    def mended(*args, **kwargs) -> Tensor:
        return mend(function, *args, **kwargs)

    return mended


def _weighted(
    cross_entropy: Callable, pred: Tensor, label: Tensor, weight: Tensor | None = None, **kwargs
) -> Tensor:
    weights, is_mean = kwargs.get('class_weight'), kwargs.get('reduction', 'mean') == 'mean'
    only_counted = bool(kwargs.get('avg_non_ignore'))
    if is_mean and kwargs.get('avg_factor') is None and (weights is not None or only_counted):
        ignored = label == _ignored(kwargs)
        if weights is None:
            counted = (~ignored).sum()
            kwargs['avg_factor'] = counted.to(torch.promote_types(pred.dtype, torch.float32))
        else:
            label_weights = weights[label.masked_fill(ignored, 0)]
            label_weights = label_weights.masked_fill(ignored, 0.0 if only_counted else 1.0)
            kwargs['avg_factor'] = label_weights.sum()
    return cross_entropy(pred, label, weight, **kwargs)


def _counted_on_device(
    accuracy: Callable, pred: Tensor, target: Tensor, ignore_index: int | None = None, **kwargs
) -> Tensor:
    if kwargs or ignore_index is None or not len(pred) or pred.device.type == 'cpu':
        return accuracy(pred, target, ignore_index=ignore_index, **kwargs)
    counts, eps = target != ignore_index, torch.finfo(torch.float32).eps
    correct = ((pred.argmax(1) == target) & counts).sum().float() + eps
    return correct.mul(100.0 / (counts.sum() + eps))[None]


def _by_channel(
    binary_cross_entropy: Callable,
    pred: Tensor,
    label: Tensor,
    weight: Tensor | None = None,
    **kwargs,
) -> Tensor:
    if (label == _ignored(kwargs)).all():
        return 0 * pred.sum()
    weights = kwargs.get('class_weight')
    if weights is not None and pred.dim() == 4 and pred.shape[1] > 1:
        kwargs['class_weight'] = weights.view(-1, 1, 1)
    return binary_cross_entropy(pred, label, weight, **kwargs)


def _ignored(kwargs: dict) -> int:
    ignore_index = kwargs.get('ignore_index')
    return -100 if ignore_index is None else ignore_index  # -100: mmseg's default, no label


def _with_one_hot_labels(
    forward: Callable,
    loss: FocalLoss,
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = 255,
    **kwargs,
) -> Tensor:
    if pred.is_cuda or pred.shape == target.shape:
        return forward(loss, pred, target, weight, ignore_index=ignore_index, **kwargs)
    counts = target != ignore_index
    one_hot = _one_hot(pred, target, counts)
    counts = counts.flatten().to(pred)
    weight = counts if weight is None else counts * weight.flatten()
    return forward(loss, pred, one_hot, weight, **kwargs)


def _with_marked_labels(
    forward: Callable,
    loss: DiceLoss,
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = 255,
    **kwargs,
) -> Tensor:
    """Give Dice one-hot labels, in which ignored pixels are -1."""
    if pred.shape != target.shape:
        counts = target != ignore_index
        target = _one_hot(pred, target, counts).masked_fill(~counts[:, None], -1)
    return forward(loss, pred, target, weight, ignore_index=ignore_index, **kwargs)


def _where_marked(dice: Callable, pred: Tensor, target: Tensor, *args, **kwargs) -> Tensor:
    counts = target >= 0
    return dice(pred * counts, target * counts, *args, **kwargs)


def _sure_where_ignored(
    forward: Callable, loss: HuasdorffDisstanceLoss, pred: Tensor, target: Tensor, **kwargs
) -> Tensor:
    """Replace the prediction at ignored pixels by background, which the loss expects there."""
    sure = torch.full_like(pred, torch.finfo(pred.dtype).min)
    sure[:, 0] = 0
    pred = pred.where(target[:, None] != loss.ignore_index, sure)
    return forward(loss, pred, target, **kwargs)


def _zero_of_nothing(lovasz: Callable, probs: Tensor, labels: Tensor, *args, **kwargs) -> Tensor:
    return lovasz(probs, labels, *args, **kwargs) if labels.numel() else probs.sum()


def _one_hot(pred: Tensor, target: Tensor, counts: Tensor) -> Tensor:
    """Turn labels (N, H, W) into channels (N, K, H, W); a single channel stands for class 1."""
    channels = pred.shape[1]
    labels = target.masked_fill(~counts, 0)
    return labels[:, None] if channels == 1 else F.one_hot(labels, channels).movedim(-1, 1)
