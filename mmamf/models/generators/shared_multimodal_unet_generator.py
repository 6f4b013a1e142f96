from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule, ModuleDict
from mmengine.registry import MODELS
from torch import Tensor, nn

from ...ensemble import check_alpha
from ..modality_axis import check_channels, fold_modalities, unfold_modalities

_MIN_LEVELS, _MAX_LEVELS = 5, 8
_IMAGE_CHANNELS = 3
# Initialization of pix2pix's networks, the discriminator included.
PIX2PIX_INIT = [
    {'type': 'Normal', 'layer': ['Conv2d', 'ConvTranspose2d'], 'std': 0.02},
    {'type': 'Normal', 'layer': 'InstanceNorm2d', 'mean': 1, 'std': 0.02},
]


@MODELS.register_module()
class SharedMultimodalUnetGenerator(BaseModule):
    """One U-Net for all modalities: shared convolutions, private norms, fusion in chosen levels.

    The translation network of `Learning Deep Multimodal Feature Representation with Asymmetric
    Multi-layer Fusion <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020), after the U-Net of
    `pix2pix <https://arxiv.org/abs/1611.07004>`_. Every modality gives its own image; the ensemble
    is their sum, weighted by softmax(alpha). In this sum the images are detached, so a loss of the
    ensemble trains alpha alone.

    Each of the L levels halves the sides with a 4 x 4 convolution; its maps have ``base_channels``
    x 1, 2, 4, 8, 8, ... channels. L is the largest number up to the authors' 8 for which 2^L
    divides both sides of ``image_size``: 8 for 256, 6 for 64, 5 for 96 x 128.

    A fusion operator keeps the shape of the maps, but every convolution of a U-Net changes it. The
    smallest part that keeps the shape is everything below a level. So an operator enters after the
    encoder step of a level, and leaves where the decoder returns to maps of the same shape. The
    skip connection takes the maps from before ``enter``. The innermost level has nothing below it,
    and cannot be fused.

    Args:
        num_modalities: Number of modalities M.
        base_channels: Channels of the outermost level.
        fusion: Config of a fusion operator, built once for every fused level; None switches fusion
            off.
        fusion_levels: The levels to fuse, counted from 0 at the outermost; None means all but the
            innermost.
        image_size: Height and width of the images in px, or one number for both. It sets the number
            of levels L; any image with sides divisible by 2^L can be translated.
        dropout: Dropout probability after each of the L - 5 innermost decoder steps.
        **kwargs: Passed on to mmengine's BaseModule. Without ``init_cfg``, weights are initialized
            as in pix2pix.

    Shape:
        - Input: (N, M*3, H, W), the modalities stacked along channels, in -1..1.
        - Output: the ensemble (N, 3, H, W), in -1..1.

    Raises:
        ValueError: If the image size leaves fewer than 5 levels, a fused level does not exist, or
            an input has another number of channels, or sides that 2^L does not divide.
    """

    def __init__(
        self,
        num_modalities: int,
        base_channels: int = 64,
        fusion: dict | None = None,
        fusion_levels: Sequence[int] | None = None,
        image_size: int | Sequence[int] = 256,
        dropout: float = 0.5,
        **kwargs,
    ) -> None:
        kwargs.setdefault('init_cfg', PIX2PIX_INIT)
        super().__init__(**kwargs)
        if num_modalities < 1:
            raise ValueError(f'num_modalities must be at least 1, got {num_modalities}')
        self.num_modalities = num_modalities
        self.num_levels = _count_levels(image_size)
        widths = [base_channels * min(2**level, 8) for level in range(self.num_levels)]
        norm_cfg = {
            'type': 'ModalitySpecificIN',
            'num_modalities': num_modalities,
            'affine': True,
            'track_running_stats': True,
        }
        self.encoder = _make_encoder(widths, norm_cfg)
        self.decoder = _make_decoder(widths, norm_cfg)
        self.dropout = nn.Dropout(dropout)
        self.alpha = nn.Parameter(torch.ones(num_modalities))
        self.fusions = ModuleDict()
        if fusion is not None:
            self._build_fusions(fusion, fusion_levels, widths)

    def forward(self, x: Tensor, return_all: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Translate to the ensemble; with ``return_all``, to (every modality's image, ensemble).

        Shape:
            - Output with ``return_all``: (N, M, 3, H, W) and (N, 3, H, W).
        """
        self._check_input(x)
        folded = self._translate(fold_modalities(x, self.num_modalities))
        outputs = unfold_modalities(folded, self.num_modalities)
        outputs = outputs.unflatten(1, (self.num_modalities, _IMAGE_CHANNELS))
        weights = self.alpha.softmax(0).view(-1, 1, 1, 1)
        ensemble = (outputs.detach() * weights).sum(1)
        return (outputs, ensemble) if return_all else ensemble

    def _translate(self, x: Tensor) -> Tensor:
        """Run the U-Net on a folded batch."""
        skips, carries = [], {}
        for level, down in enumerate(self.encoder):
            x = down(x)
            if str(level) in self.fusions:
                x, carries[level] = self.fusions[str(level)].enter(x)
            skips.append(x)
        x = skips.pop()  # the decoder starts from the innermost level
        for step, up in enumerate(self.decoder[:-1]):
            level = len(skips) - 1
            x = up(x)
            if step < self.num_levels - _MIN_LEVELS:
                x = self.dropout(x)
            if level in carries:
                x = self.fusions[str(level)].leave(x, carries[level])
            x = torch.cat([x, skips.pop()], dim=1)
        return self.decoder[-1](x).tanh()

    def _build_fusions(
        self, fusion: dict, levels: Sequence[int] | None, widths: Sequence[int]
    ) -> None:
        for level in range(self.num_levels - 1) if levels is None else levels:
            if not 0 <= level < self.num_levels - 1:
                raise ValueError(
                    f'fusion_levels must lie in 0..{self.num_levels - 2} for '
                    f'{self.num_levels} levels, got {tuple(levels)}'
                )
            operator = MODELS.build(
                fusion,
                default_args={'num_modalities': self.num_modalities, 'channels': widths[level]},
            )
            operator.attach_norm(self.decoder[self.num_levels - 2 - level].norm)
            self.fusions[str(level)] = operator

    def _check_input(self, x: Tensor) -> None:
        check_channels(x, self.num_modalities, _IMAGE_CHANNELS)
        divisor = 2**self.num_levels
        if any(side % divisor for side in x.shape[2:]):
            raise ValueError(
                f'{self.num_levels} levels need sides that are multiples of {divisor}, got an '
                f'input of shape {tuple(x.shape)}: build the generator with its image_size'
            )

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        check_alpha(state_dict, f'{prefix}alpha', self.alpha)
        super()._load_from_state_dict(state_dict, prefix, *args)


def _count_levels(image_size: int | Sequence[int]) -> int:
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    fitting = [n for n in range(1, _MAX_LEVELS + 1) if height % 2**n == width % 2**n == 0]
    if min(height, width) < 1 or len(fitting) < _MIN_LEVELS:
        raise ValueError(
            f'image_size: expected sides that are multiples of {2**_MIN_LEVELS} px, got '
            f'{height} x {width}'
        )
    return len(fitting)


def _make_encoder(widths: Sequence[int], norm_cfg: dict) -> nn.ModuleList:
    """Make the encoder steps. The outermost and the innermost have no norm.

    The innermost maps may be a single pixel, which has no statistics.
    """
    steps = nn.ModuleList([_make_step(_IMAGE_CHANNELS, widths[0])])
    for level in range(1, len(widths)):
        steps.append(
            _make_step(
                widths[level - 1],
                widths[level],
                norm_cfg=norm_cfg if level < len(widths) - 1 else None,
                act_cfg={'type': 'LeakyReLU', 'negative_slope': 0.2},
            )
        )
    return steps


def _make_decoder(widths: Sequence[int], norm_cfg: dict) -> nn.ModuleList:
    """Make the decoder steps, innermost first. All but the first also read a skip connection."""
    options = {'conv_cfg': {'type': 'deconv'}, 'act_cfg': {'type': 'ReLU'}}
    steps = nn.ModuleList()
    for level in range(len(widths) - 1, 0, -1):
        reads = widths[level] if len(steps) == 0 else 2 * widths[level]
        steps.append(_make_step(reads, widths[level - 1], norm_cfg=norm_cfg, **options))
    steps.append(_make_step(2 * widths[0], _IMAGE_CHANNELS, **options))
    return steps


def _make_step(
    in_channels: int, out_channels: int, act_cfg: dict | None = None, **kwargs
) -> ConvModule:
    """Make activation, convolution, norm. Not in place, because the skips need the input."""
    return ConvModule(
        in_channels,
        out_channels,
        kernel_size=4,
        stride=2,
        padding=1,
        bias=True,
        act_cfg=act_cfg,
        inplace=False,
        order=('act', 'conv', 'norm'),
        **kwargs,
    )
