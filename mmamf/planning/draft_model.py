"""The model's part of a planned config, for measuring and for writing."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from mmamf.own_files import own_file

from .rules.network import Rung
from .rules.size import DIVISOR, Size

FROM_SCRATCH = '_base_/schedules/adamw_1200.py'  # schedule without pretrained weights


def pad_to(size: Size, fixed: Any) -> dict[str, Any]:
    """Choose the padding of training batches.

    Crops of small images are padded to the crop. Whole images of different sizes are padded to the
    largest of their batch.

    Args:
        size: The size of training images.
        fixed: (H, W) of crops, or of whole images of one size; or the expression for it.
    """
    return dict(size=fixed) if size.crop or size.alike else dict(size_divisor=DIVISOR)


def change_model(
    rung: Rung,
    pretrained: bool,
    preprocessor: Mapping[str, Any],
    num_classes: Any,
    loss: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the changes of the network's base config.

    Args:
        rung: The network.
        pretrained: Whether the encoder starts from its weights.
        preprocessor: Keys of the data preprocessor.
        num_classes: Number of classes, or the expression for it.
        loss: Changes of ``loss_decode``.
    """
    head: dict[str, Any] = dict(num_classes=num_classes)
    if loss:
        head['loss_decode'] = dict(loss)
    scratch = {} if pretrained else rung.scratch
    return dict(data_preprocessor=dict(preprocessor), **scratch, decode_head=dict(head=head))


def draft_config(
    rung: Rung, changes: Mapping[str, Any], optim_wrapper: Mapping[str, Any]
) -> Config:
    """Build the config that is measured: the bases with their changes."""
    config = Config.fromfile(own_file('configs') / rung.base)
    schedule = Config.fromfile(own_file('configs') / FROM_SCRATCH)
    config.merge_from_dict(dict(optim_wrapper=schedule.optim_wrapper.to_dict()))
    config.merge_from_dict(dict(model=changes, optim_wrapper=optim_wrapper))
    return config
