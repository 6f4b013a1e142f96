from collections.abc import Callable

from torch import Tensor, nn


class SeparateNetworks(nn.Module):
    """One whole network for every modality; they share nothing and exchange nothing.

    Args:
        build: Function that builds the network of one modality.
        num_modalities: Number of modalities M.

    Shape:
        - Input: (N, M*3, H, W), the modalities stacked along channels.
        - Output: a list with the outputs of the M networks.
    """

    def __init__(self, build: Callable[[], nn.Module], num_modalities: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(build() for _ in range(num_modalities))

    def forward(self, x: Tensor) -> list:
        """Run every network on its modality."""
        parts = x.chunk(len(self.networks), dim=1)
        return [network(part) for network, part in zip(self.networks, parts, strict=True)]
