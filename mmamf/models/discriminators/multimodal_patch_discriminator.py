import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..generators.shared_multimodal_unet_generator import PIX2PIX_INIT
from ..modality_axis import fold_modalities

_IMAGE_CHANNELS = 3


@MODELS.register_module()
class MultimodalPatchDiscriminator(BaseModule):
    """Judge for each 70 x 70 px patch if an image is the true translation of a modality.

    The patch discriminator of `pix2pix <https://arxiv.org/abs/1611.07004>`_, as `Learning Deep
    Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020) uses it: it reads pairs of one modality's
    input and output. The modalities share all of it, including its instance norms with running
    statistics.

    Args:
        num_modalities: Number of modalities M.
        base_channels: Channels after the first convolution.
        **kwargs: Passed on to mmengine's BaseModule. Without ``init_cfg``, weights are initialized
            as in pix2pix.

    Shape:
        - Source: (N, M*3, H, W), the modalities stacked along channels, in -1..1.
        - Outputs: (N, M, 3, H, W), the image to judge for each modality, in -1..1.
        - Result: logits (N, M, 1, H/8 - 2, W/8 - 2), without sigmoid; 30 x 30 for 256 px.

    Raises:
        ValueError: If source and outputs do not fit each other or M modalities.
    """

    def __init__(self, num_modalities: int, base_channels: int = 64, **kwargs) -> None:
        kwargs.setdefault('init_cfg', PIX2PIX_INIT)
        super().__init__(**kwargs)
        if num_modalities < 1:
            raise ValueError(f'num_modalities must be at least 1, got {num_modalities}')
        self.num_modalities = num_modalities
        layers = [nn.Conv2d(2 * _IMAGE_CHANNELS, base_channels, 4, stride=2, padding=1)]
        for before, after, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            width = after * base_channels
            layers += [
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(before * base_channels, width, 4, stride=stride, padding=1),
                nn.InstanceNorm2d(width, affine=True, track_running_stats=True),
            ]
        layers += [
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(8 * base_channels, 1, 4, stride=1, padding=1),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, source: Tensor, outputs: Tensor) -> Tensor:
        """Judge the pairs of each modality's source and output."""
        n, _, *sides = source.shape
        expected = (n, self.num_modalities, _IMAGE_CHANNELS, *sides)
        if outputs.shape != expected or source.shape[1] != expected[1] * expected[2]:
            raise ValueError(
                f'expected a source (N, {self.num_modalities} * {_IMAGE_CHANNELS}, H, W) and '
                f'outputs (N, {self.num_modalities}, {_IMAGE_CHANNELS}, H, W), '
                f'got {tuple(source.shape)} and {tuple(outputs.shape)}'
            )
        source = fold_modalities(source, self.num_modalities)
        pairs = torch.cat([source, outputs.flatten(0, 1)], dim=1)  # (N*M, 6, H, W)
        return self.layers(pairs).unflatten(0, (n, self.num_modalities))
