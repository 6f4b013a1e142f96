from collections.abc import Callable, Iterator

import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..modality_specific_layer import ModalitySpecificLayer


@MODELS.register_module()
class ModalitySpecificConv(ModalitySpecificLayer, nn.Conv2d):
    """Convolution with a private kernel for every modality.

    `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020) shares all convolutions. This layer builds
    the networks with private convolutions to compare with. The M convolutions are one convolution
    with M times as many groups.

    Use it as ``conv_cfg=dict(type='ModalitySpecificConv', num_modalities=M)`` of any backbone that
    builds its convolutions with mmcv. See :class:`ModalitySpecificLayer` for checkpoints.

    Every kernel starts like the kernel of a plain layer. mmengine's initializers get each kernel
    separately, because they would compute the fan from all M kernels together. The initialization
    by mmcv's ConvModule is skipped for the same reason; torch's own stays.

    The attributes ``in_channels``, ``out_channels`` and ``groups`` are those of one modality,
    because networks read them to build the next layer.

    Args:
        in_channels: Input channels C of one modality.
        out_channels: Output channels C' of one modality.
        kernel_size: Size of the kernels, in pixels.
        num_modalities: Number of modalities M.
        groups: Groups within the channels of one modality.
        **kwargs: Passed on to :class:`torch.nn.Conv2d`.

    Shape:
        - Input: folded maps (N*M, C, H, W).
        - Output: folded maps (N*M, C', H', W').

    Raises:
        ValueError: If M does not divide the batch, or a checkpoint has another M or width.
    """

    private_entries = ('weight', 'bias')

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        num_modalities: int,
        groups: int = 1,
        **kwargs,
    ) -> None:
        m = num_modalities
        super().__init__(
            m, m * in_channels, m * out_channels, kernel_size, groups=m * groups, **kwargs
        )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups

    def init_weights(self) -> None:
        """Keep torch's own start: mmcv's ConvModule would compute the fan from all M kernels."""

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve as torch does, with the groups of all modalities."""
        padding, groups = self.padding, self.num_modalities * self.groups
        if self.padding_mode != 'zeros':
            x = F.pad(x, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        return F.conv2d(x, weight, bias, self.stride, padding, self.dilation, groups)

    def apply(self, fn: Callable[[nn.Module], None]) -> 'ModalitySpecificConv':
        """Apply ``fn`` as torch does, then to a plain layer for each modality's kernel.

        Initializers work through this method.
        """
        super().apply(fn)
        if self.num_modalities > 1:
            for plain in self._plain_layers():
                fn(plain)
        return self

    def _plain_layers(self) -> Iterator[nn.Conv2d]:
        """Make one plain layer per modality that shares the memory of its parameters."""
        m = self.num_modalities
        for parts in zip(*(parameter.data.chunk(m) for parameter in self.parameters())):
            plain = nn.Conv2d(
                self.in_channels,
                self.out_channels,
                self.kernel_size,
                groups=self.groups,
                bias=len(parts) > 1,
                device='meta',
            )
            for name, part in zip(('weight', 'bias'), parts):
                setattr(plain, name, nn.Parameter(part))
            yield plain
