"""Helpers of the backbones that share their weights between modalities."""

from collections.abc import Sequence

from mmengine.registry import MODELS
from torch import nn

from ..convs.banded_conv import BandedConv
from ..convs.first_kernel import accept_rgb
from ..convs.modality_specific_conv import ModalitySpecificConv
from ..fusions import FusionOperator


def build_operator(
    fusion: dict, num_modalities: int, channels: int | None, norm: nn.Module | None = None
) -> FusionOperator:
    """Build the fusion operator of one place.

    Args:
        fusion: Config of the operator.
        num_modalities: Number of modalities M.
        channels: Channels of the maps, for an operator that has parameters.
        norm: The norm that the operator may read.
    """
    default_args = {'num_modalities': num_modalities, 'channels': channels}
    operator = MODELS.build(fusion, default_args=default_args)
    if norm is not None:
        operator.attach_norm(norm)
    return operator


def fill_in_num_modalities(key: str, layer_cfg: dict, num_modalities: int) -> dict:
    """Tell a modality-specific layer the number of modalities.

    Args:
        key: Name of the config, for the error message.
        layer_cfg: Config of a convolution or a norm. The config of a shared layer is returned
            unchanged.
        num_modalities: Number of modalities M.

    Raises:
        ValueError: If the layer is for another M.
    """
    if not str(layer_cfg['type']).split('.')[-1].startswith('ModalitySpecific'):
        return layer_cfg
    if layer_cfg.get('num_modalities', num_modalities) != num_modalities:
        raise ValueError(
            f'{key}.num_modalities: expected {num_modalities}, as of the backbone, got '
            f'{layer_cfg["num_modalities"]}'
        )
    return {**layer_cfg, 'num_modalities': num_modalities}


def check_fusion_stages(stages: Sequence[int], num_stages: int) -> None:
    """Check that the stages to fuse exist.

    Args:
        stages: The stages, counted from 0.
        num_stages: Number of stages of the backbone.

    Raises:
        ValueError: If one of them does not exist.
    """
    for stage in stages:
        if not 0 <= stage < num_stages:
            raise ValueError(f'fusion_stages must lie in 0..{num_stages - 1}, got {tuple(stages)}')


def find_stems(network: nn.Module, in_channels: int) -> list[str]:
    """Name the convolutions that take as many input channels as an image has.

    Args:
        network: The network.
        in_channels: Channels of an image.
    """
    return [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and module.in_channels == in_channels
    ]


def fit_stem(
    network: nn.Module, stems: Sequence[str], num_modalities: int, bands: Sequence[int] | None
) -> None:
    """Adapt the first convolution of a network to the modalities.

    Args:
        network: The network.
        stems: Possible names of its first convolution.
        num_modalities: Number of modalities M.
        bands: Number of bands of every modality. A modality that does not fit the network's first
            convolution gets its own. None if every modality has as many channels as the network
            takes.

    Raises:
        ValueError: If ``bands`` is not one positive number for every modality, the network does not
            have exactly one first convolution, or it cannot be replaced.
    """
    if bands is None:
        for stem in map(network.get_submodule, stems):
            if not isinstance(stem, ModalitySpecificConv):
                accept_rgb(stem)
        return
    wrong = isinstance(bands, str) or not isinstance(bands, Sequence)
    if wrong or len(bands) != num_modalities or any(type(b) is not int or b < 1 for b in bands):
        raise ValueError(
            f'bands: expected one number, at least 1, for each of the {num_modalities} modalities, '
            f'got {bands!r}'
        )
    if len(stems) != 1:
        raise ValueError(
            f'bands: expected one convolution of {type(network).__name__} that reads the image, '
            f'got {[*stems]}: set bands=None and in_channels to the largest number of bands; the '
            'data preprocessor then tiles the other modalities to it'
        )
    parent, _, name = stems[0].rpartition('.')
    setattr(network.get_submodule(parent), name, BandedConv(network.get_submodule(stems[0]), bands))
