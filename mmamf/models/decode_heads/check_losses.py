import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import (
    DiceLoss,
    FocalLoss,
    HuasdorffDisstanceLoss,
    LovaszLoss,
    TverskyLoss,
)
from mmseg.models.losses.lovasz_loss import lovasz_hinge
from torch import nn

_BINARY = (
    'use CrossEntropyLoss with use_sigmoid=True, FocalLoss, DiceLoss, or LovaszLoss with '
    "loss_type='binary'; or remove out_channels, so that there is a channel for each class"
)


def check_weight_files(head: Any) -> None:
    """Check that the files with class weights exist that a head's config names.

    Args:
        head: Config of the head.

    Raises:
        FileNotFoundError: If one of them does not exist.
    """
    losses = head.get('loss_decode') or {}
    for loss in [losses] if isinstance(losses, dict) else losses:
        path = loss.get('class_weight')
        if isinstance(path, str) and '://' not in path and not Path(path).is_file():
            raise FileNotFoundError(
                f'loss_decode.class_weight of {loss.get("type")}: expected a list of numbers or a '
                f'file with one, got {path!r}, which does not exist'
            )


def losses_of(head: BaseDecodeHead) -> list[nn.Module]:
    """List the losses of a head."""
    losses = head.loss_decode
    return list(losses) if isinstance(losses, nn.ModuleList) else [losses]


def check_losses(head: BaseDecodeHead) -> None:
    """Check before data are loaded that the losses of a head can train it.

    Args:
        head: The head.

    Raises:
        ValueError: If mmengine would only log a loss, a head cannot call it, it does not work with
            the head's number of channels, or its weights do not fit the classes.
    """
    for loss in losses_of(head):
        name = f'loss_decode of type {type(loss).__name__}'
        if 'loss' not in loss.loss_name:
            raise ValueError(
                f"{name}: expected a loss_name with 'loss' in it (mmengine only logs the others), "
                f'got {loss.loss_name!r}'
            )
        taken = inspect.signature(loss.forward).parameters
        has_any = any(p.kind is p.VAR_KEYWORD for p in taken.values())
        lacking = [key for key in ('weight', 'ignore_index') if key not in taken]
        if lacking and not has_any:
            raise ValueError(
                f'{name}: expected a loss with the arguments weight and ignore_index, which heads '
                f'pass to it, got one without {" and ".join(lacking)}. To train on hard pixels, '
                "use CrossEntropyLoss and sampler=dict(type='OHEMPixelSampler') in the head"
            )
        reason = _why_not_binary(loss)
        if head.out_channels == 1 and reason:
            raise ValueError(
                f'{name}: expected a loss of one channel, as the head has out_channels=1, got '
                f'{reason}: {_BINARY}'
            )
        if isinstance(loss, HuasdorffDisstanceLoss) and head.out_channels != 2:
            raise ValueError(
                f'{name}: expected a head of 2 classes, foreground and background, got '
                f'{head.out_channels}: use DiceLoss or LovaszLoss'
            )
        _check_weights(f'loss_decode.class_weight of {type(loss).__name__}', loss, head)
        alpha = getattr(loss, 'alpha', None)
        if isinstance(loss, FocalLoss) and isinstance(alpha, list):
            _check_length(f'loss_decode.alpha of {type(loss).__name__}', alpha, head)


def _why_not_binary(loss: nn.Module) -> str | None:
    """Return what makes a loss need a channel for each class; None if one channel is enough."""
    if isinstance(loss, DiceLoss):
        return None if loss.use_sigmoid else 'use_sigmoid=False'
    if isinstance(loss, LovaszLoss):
        return None if loss.cls_criterion is lovasz_hinge else "loss_type='multi_class'"
    over_classes = isinstance(loss, TverskyLoss | HuasdorffDisstanceLoss)
    return 'one over all classes' if over_classes else None


def _check_weights(key: str, loss: nn.Module, head: BaseDecodeHead) -> None:
    weights = getattr(loss, 'class_weight', None)
    if weights is None:
        return
    _check_length(key, weights, head)
    values = [float(weight) for weight in weights]
    if not all(0 <= value < float('inf') for value in values) or not any(values):
        raise ValueError(f'{key}: expected numbers >= 0, at least one > 0, got {values}')


def _check_length(key: str, values: Sequence[float], head: BaseDecodeHead) -> None:
    if len(values) != head.out_channels:
        raise ValueError(
            f'{key}: expected {head.out_channels} number(s), one for each output of the head '
            '(out_channels; with one output, the weight of class 1), got '
            f'{len(values)}: {list(values)}'
        )
