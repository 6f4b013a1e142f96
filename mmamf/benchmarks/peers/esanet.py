from pathlib import Path

from torch import Tensor, nn

from .checkout import Source, build_from

STRIDE = 32  # its decoder doubles the size of its smallest maps, and adds larger ones
SOURCE = Source(
    url='https://github.com/TUI-NICR/ESANet',
    file='src/models/model.py',
    name='ESANet',
    packages=('src',),
    # they read pretrained weights with it, which is not done here
    stand_ins={'pandas': {}},
)


class ESANet(nn.Module):
    """ESANet with the settings of its published networks, from a checkout of the authors' code.

    `Efficient RGB-D Semantic Segmentation for Indoor Scene Analysis
    <https://arxiv.org/abs/2011.06961>`_. Weights are random; nothing is downloaded. It is for
    inference: in training, their network also returns side outputs, and this one drops them.

    Args:
        checkout: Folder with their repository.
        encoder: 'resnet34' or 'resnet18', with their blocks of one-dimensional convolutions
            (NonBottleneck1D).
        num_classes: Number of classes K.

    Shape:
        - Input: (N, 2*3, H, W), RGB and depth stacked along channels. H and W are multiples of 32.
          Only the first channel of depth is used.
        - Output: logits (N, K, H, W).

    Raises:
        FileNotFoundError: If there is no such checkout.
        ValueError: If the checkout has other code than expected, or a side of the images is not a
            multiple of 32.
    """

    def __init__(
        self, checkout: str | Path, encoder: str = 'resnet34', num_classes: int = 40
    ) -> None:
        super().__init__()
        self.network = build_from(
            checkout,
            SOURCE,
            num_classes=num_classes,
            encoder_rgb=encoder,
            encoder_depth=encoder,
            encoder_block='NonBottleneck1D',
            channels_decoder=[512, 256, 128],
            pretrained_on_imagenet=False,
            context_module='ppm',
            nr_decoder_blocks=[3, 3, 3],
            fuse_depth_in_rgb_encoder='SE-add',
            upsampling='learned-3x3-zeropad',
        )

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits."""
        if any(side % STRIDE for side in x.shape[2:]):
            raise ValueError(
                f'ESANet: expected images whose sides are multiples of {STRIDE}, got '
                f'{x.shape[2]} x {x.shape[3]} px'
            )
        out = self.network(x[:, :3], x[:, 3:4])
        return out[0] if self.training else out
