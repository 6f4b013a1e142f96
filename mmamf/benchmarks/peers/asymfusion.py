from pathlib import Path

from torch import Tensor, nn

from .checkout import Source, build_from


def _refuse(*args) -> None:
    raise ValueError('expected random weights, but the code in the checkout asks for a download')


SOURCE = Source(
    url='https://github.com/yikaiw/AsymFusion',
    file='models/model.py',
    name='refinenet',
    packages=('models',),
    # their helpers also import packages for pictures; the network needs only what downloads weights
    stand_ins={'utils.helpers': dict(maybe_download=_refuse)},
)


class AsymFusion(nn.Module):
    """AsymFusion with RefineNet, from a checkout of the paper's authors' code.

    `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_. Weights are random; nothing is downloaded.

    Args:
        checkout: Folder with their repository.
        depth: 50, 101 or 152 layers of the ResNet.
        num_classes: Number of classes K.

    Shape:
        - Input: (N, 2*3, H, W), RGB and depth stacked along channels, depth as three channels.
        - Output: logits of the ensemble (N, K, H / 4, W / 4).

    Raises:
        FileNotFoundError: If there is no such checkout.
        ValueError: If the checkout has other code than expected.
    """

    def __init__(self, checkout: str | Path, depth: int = 50, num_classes: int = 40) -> None:
        super().__init__()
        self.network = build_from(
            checkout, SOURCE, num_layers=depth, num_classes=num_classes, num_parallel=2
        )

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of the ensemble."""
        (*_, ensemble), _ = self.network([*x.chunk(2, dim=1)])
        return ensemble
