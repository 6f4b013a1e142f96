import warnings
from collections.abc import Sequence

import torch
from mmengine.device import get_device
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS, MODELS
from torch import nn

from mmamf.ensemble import metric_key

from .networks import InceptionFeatures
from .translated_images import TRUTH, translated_images

SUBSETS = 50
SCALE = 100  # factor in the papers' tables


@METRICS.register_module()
class FeatureDistanceMetric(BaseMetric):
    """Frechet and kernel distance between the true images and each output, in a network's features.

    With :class:`InceptionFeatures`, the scalars are ``FID`` (`Heusel et al., 2017
    <https://arxiv.org/abs/1706.08500>`_) and ``KID`` (`Binkowski et al., 2018
    <https://arxiv.org/abs/1801.01401>`_). With any other network they are ``FD_<name>`` and
    ``KD_<name>``, which are not comparable with FID and KID. Scalars of a modality start with
    ``<modality>/``. torchmetrics computes both in double precision. The kernel is
    ``(x . y / C + 1) ** 3``. The kernel distance is 100 times the mean over 50 random subsets,
    which are the same in every evaluation.

    The release of `Deep Multimodal Fusion by Channel Exchanging
    <https://arxiv.org/abs/2011.05005>`_ asks for subsets of 1000 images, and silently takes all
    images if there are fewer. It has 500 validation images, so every subset is the whole set, as
    with our default. It also saves its pictures with matplotlib before it measures them, which
    stretches each picture to its own minimum and maximum. We only round the values to 8 bits.

    Args:
        network: Config of a registered network that maps uint8 RGB images (N, 3, H, W) to
            features (N, C) and has a ``name``, such as ``InceptionFeatures``, ``BackboneFeatures``
            or ``EfficientNetLite0Features``.
        subset_size: Number of images in a subset of the kernel distance, at least 2.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        FileNotFoundError: If the network's weights are not on this machine.
        ValueError: If there are fewer images than ``subset_size``, or a sample lacks an image.
    """

    default_prefix = ''  # without one, mmengine warns

    def __init__(self, network: dict, subset_size: int = 500, **kwargs) -> None:
        super().__init__(**kwargs)
        if subset_size < 2:
            raise ValueError(
                f'FeatureDistanceMetric: expected a subset_size of at least 2, got {subset_size}'
            )
        self.subset_size = subset_size
        self.network = MODELS.build(network).to(get_device()).eval()
        if isinstance(self.network, InceptionFeatures):
            self.names = ('FID', 'KID')
        else:
            self.names = (f'FD_{self.network.name}', f'KD_{self.network.name}')

    @torch.no_grad()
    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Compute the features of all images of a sample, one result per sample."""
        for sample in data_samples:
            truth, outputs = translated_images(sample)
            images = torch.stack([truth, *outputs.values()])  # (1 + outputs, 3, H, W)
            images = images.round().clamp(0, 255).to(get_device(), torch.uint8)
            features = self.network(images).float().cpu()
            # clones, because gathering results would pickle a view with its whole storage
            self.results.append(
                {key: f.clone() for key, f in zip((TRUTH, *outputs), features, strict=True)}
            )

    def evaluate(self, size: int) -> dict[str, float]:
        """Gather the features of all processes and compare them."""
        # Raise here, in every process. compute_metrics runs only in the main process, and after an
        # error there, the others would wait forever.
        if size < self.subset_size:
            raise ValueError(
                f'{self.names[1]}: expected at least subset_size={self.subset_size} images, got '
                f'{size}; give the metric a smaller subset_size'
            )
        return super().evaluate(size)

    def compute_metrics(self, results: list[dict[str, torch.Tensor]]) -> dict[str, float]:
        """Compare the features of each output with those of the true images."""
        sets = {
            key: torch.stack([features[key] for features in results]).double() for key in results[0]
        }
        truth = sets.pop(TRUTH)
        metrics = {}
        for name, output in sets.items():
            metrics[metric_key(name, self.names[0])] = _frechet_distance(truth, output)
            metrics[metric_key(name, self.names[1])] = SCALE * _kernel_distance(
                truth, output, self.subset_size
            )
        return metrics


def _frechet_distance(truth: torch.Tensor, output: torch.Tensor) -> float:
    from torchmetrics.image.fid import FrechetInceptionDistance

    identity = nn.Identity()
    identity.num_features = truth.shape[1]
    # only the main process computes, so synchronization would wait for the others forever
    metric = FrechetInceptionDistance(feature=identity, sync_on_compute=False)
    metric.update(truth, real=True)
    metric.update(output, real=False)
    return metric.compute().item()


def _kernel_distance(truth: torch.Tensor, output: torch.Tensor, subset_size: int) -> float:
    from torchmetrics.image.kid import KernelInceptionDistance

    with warnings.catch_warnings():  # it warns that it keeps all features, which is intended
        warnings.simplefilter('ignore', UserWarning)
        metric = KernelInceptionDistance(
            feature=nn.Identity(),
            subsets=1 if subset_size == len(truth) else SUBSETS,  # all subsets are the whole set
            subset_size=subset_size,
            sync_on_compute=False,
        )
    metric.update(truth, real=True)
    metric.update(output, real=False)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return metric.compute()[0].item()
