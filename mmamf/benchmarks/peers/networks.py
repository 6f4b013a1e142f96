"""The networks to compare: those of configs, and those of checkouts."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import Tensor, nn

import mmamf

from .asymfusion import AsymFusion
from .cmx import CMX
from .esanet import ESANet

DEPLOYED = ', deployed'

Builders = dict[str, Callable[[], nn.Module]]


class FullSize(nn.Module):
    """A segmentor whose logits have the size of its input, as a user needs them.

    Args:
        network: The segmentor.

    Shape:
        - Input: (N, 2*3, H, W).
        - Output: logits (N, K, H, W).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits, and enlarge those that are smaller than the input."""
        logits = self.network(x)
        if logits.shape[2:] == x.shape[2:]:
            return logits
        return F.interpolate(logits, x.shape[2:], mode='bilinear', align_corners=False)


def list_networks(args: argparse.Namespace) -> Builders:
    """List the networks by name, and how each is built. All have the same number of classes."""
    builders: Builders = {}
    for path in args.configs:
        name = ' '.join(Path(path).stem.split('_')[:3])
        for deployed in (False, True):
            title = name + DEPLOYED * deployed
            if title in builders:
                raise ValueError(f'{path}: expected another name than {name!r}, as a config before')
            builders[title] = partial(_build_ours, path, args.classes, deployed)
    if args.esanet:
        for encoder in ('resnet18', 'resnet34'):
            builders[f'ESANet {encoder}'] = partial(ESANet, args.esanet, encoder, args.classes)
    if args.cmx:
        for encoder in ('mit_b0', 'mit_b2'):
            builders[f'CMX {encoder}'] = partial(CMX, args.cmx, encoder, args.classes)
    if args.asymfusion:
        builders['AsymFusion resnet50'] = partial(AsymFusion, args.asymfusion, 50, args.classes)
    return builders


def _build_ours(path: str, classes: int, deployed: bool) -> nn.Module:
    config = Config.fromfile(path).model.to_dict()
    _set_classes(config, classes)
    model = MODELS.build(config).eval()
    found = getattr(getattr(model, 'decode_head', None), 'num_modalities', None)
    if found != 2:
        raise ValueError(f'{path}: expected a segmentor for two modalities, got {found}')
    return mmamf.deploy(model) if deployed else model


def _set_classes(part: Any, classes: int) -> None:
    if isinstance(part, dict):
        if 'num_classes' in part:
            part['num_classes'] = classes
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        _set_classes(inner, classes)
