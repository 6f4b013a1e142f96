from collections.abc import Sequence

import torch
from mmengine.device import get_device
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS

from mmamf.ensemble import metric_key

from .find_weights import find_weights
from .translated_images import translated_images

URL = 'https://download.pytorch.org/models/alexnet-owt-7be5be79.pth'
HALF_RANGE = 127.5  # 0..255 -> -1..1


@METRICS.register_module()
class LPIPSMetric(BaseMetric):
    """Learned perceptual distance (LPIPS, AlexNet) of the ensemble and of every modality's output.

    `The Unreasonable Effectiveness of Deep Features as a Perceptual Metric
    <https://arxiv.org/abs/1801.03924>`_. The authors' package ``lpips`` computes it, and includes
    the weights of its linear layers (v0.1). Scalars are ``LPIPS`` and ``<modality>/LPIPS``.

    Args:
        weights: The file ``alexnet-owt-7be5be79.pth`` of torchvision; None looks for it in the
            cache of ``torch.hub``.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        FileNotFoundError: If the file does not exist; it is never downloaded.
        ValueError: If it is another file, a sample lacks an image, or there is no sample.
    """

    default_prefix = ''  # without one, mmengine warns

    def __init__(self, weights: str | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        path = find_weights(weights, URL)
        from lpips import LPIPS  # an optional package

        # random weights, because it would download others
        network = LPIPS(net='alex', pnet_rand=True, verbose=False)
        state = torch.load(path, map_location='cpu', weights_only=True)
        # 'slice2.3.weight' of lpips is 'features.3.weight' of torchvision
        network.net.load_state_dict(
            {key: state[f'features.{key.split(".", 1)[1]}'] for key in network.net.state_dict()}
        )
        self.network = network.to(get_device()).eval()

    @torch.no_grad()
    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Compute the distance of each output, one result per sample."""
        for sample in data_samples:
            truth, outputs = translated_images(sample)
            images = torch.stack([truth, *outputs.values()]).to(get_device()) / HALF_RANGE - 1
            distances = self.network(images[:1].expand_as(images[1:]), images[1:])
            self.results.append(dict(zip(outputs, distances.flatten().tolist(), strict=True)))

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """Average the distances of all samples."""
        if not results:
            raise ValueError('LPIPSMetric: expected at least one sample, got none')
        return {
            metric_key(name, 'LPIPS'): sum(distances[name] for distances in results) / len(results)
            for name in results[0]
        }
