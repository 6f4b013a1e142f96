"""mmseg's two residual blocks with a slot for a fusion operator."""

from mmengine.registry import MODELS
from mmseg.models.backbones.resnet import BasicBlock, Bottleneck
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ..fusions import FusionOperator


class _FusionSlot:
    """A slot for a fusion operator; while it is empty, mmseg's own forward pass runs.

    An operator enters before the block's fused convolution and leaves after it. Where this
    convolution changes the resolution or the number of channels, what was carried past it would not
    fit behind it: there the operator enters and leaves behind it, as a neck does.

    Activation checkpointing is done here, as mmseg calls torch's in the reentrant form, which torch
    is retiring.
    """

    fused_layer: int  # number of the fused convolution and of its norm

    def __init__(self, *args, with_cp: bool = False, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.recompute = with_cp
        self.fusion: FusionOperator | None = None

    def fill_slot(self, fusion: dict, num_modalities: int) -> None:
        """Build the operator for the maps behind the fused convolution and show it the norm."""
        self.fusion = MODELS.build(
            fusion,
            default_args={
                'num_modalities': num_modalities,
                'channels': self._fused_conv.out_channels,
            },
        )
        self.fusion.attach_norm(self._fused_norm)

    def forward(self, x: Tensor) -> Tensor:
        """Run the block, fused if the slot is filled."""
        forward = super().forward if self.fusion is None else self._fused_forward
        return checkpoint(forward, x, use_reentrant=False) if self.recompute else forward(x)

    @property
    def _fused_conv(self):
        return getattr(self, f'conv{self.fused_layer}')

    @property
    def _fused_norm(self):
        return getattr(self, f'norm{self.fused_layer}')

    def _fuse(self, x: Tensor) -> Tensor:
        """Run the fused convolution, its norm and its rectifier."""
        conv, norm = self._fused_conv, self._fused_norm
        if conv.in_channels != conv.out_channels or max(conv.stride) > 1:
            x = self.relu(norm(conv(x)))
            return self.fusion.leave(*self.fusion.enter(x))
        x, carry = self.fusion.enter(x)
        return self.fusion.leave(self.relu(norm(conv(x))), carry)


class FusibleBottleneck(_FusionSlot, Bottleneck):
    """Bottleneck whose 3 x 3 convolution the modalities enter and leave fused.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    fused_layer = 2

    def _fused_forward(self, x: Tensor) -> Tensor:
        out = self._fuse(self.relu(self.norm1(self.conv1(x))))
        out = self.norm3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class FusibleBasicBlock(_FusionSlot, BasicBlock):
    """Basic block whose first 3 x 3 convolution the modalities enter and leave fused.

    The paper defines the fusion for the bottleneck alone. There the fused convolution reads
    rectified maps, is rectified itself, and is followed by one more convolution. The first
    convolution of a basic block is the one of which the same holds. The shortcut is not exchanged.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    fused_layer = 1

    def _fused_forward(self, x: Tensor) -> Tensor:
        out = self.norm2(self.conv2(self._fuse(x)))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)
