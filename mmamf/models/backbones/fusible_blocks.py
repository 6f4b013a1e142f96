"""mmseg's two residual blocks with a slot for a fusion operator."""

from mmseg.models.backbones.resnet import BasicBlock, Bottleneck
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ..fusions import FusionOperator


class _FusionSlot:
    """A slot for a fusion operator; while it is empty, mmseg's own forward pass runs.

    Activation checkpointing is done here, as mmseg calls torch's in the reentrant form, which torch
    is retiring.
    """

    def __init__(self, *args, with_cp: bool = False, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.recompute = with_cp
        self.fusion: FusionOperator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Run the block, fused if the slot is filled."""
        forward = super().forward if self.fusion is None else self._fused_forward
        return checkpoint(forward, x, use_reentrant=False) if self.recompute else forward(x)


class FusibleBottleneck(_FusionSlot, Bottleneck):
    """Bottleneck whose 3 x 3 convolution the modalities enter and leave fused.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    def _fused_forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.norm1(self.conv1(x)))
        out, carry = self.fusion.enter(out)
        out = self.relu(self.norm2(self.conv2(out)))
        out = self.fusion.leave(out, carry)
        out = self.norm3(self.conv3(out))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class FusibleBasicBlock(_FusionSlot, BasicBlock):
    """Basic block whose first 3 x 3 convolution the modalities enter and leave fused.

    The paper defines the fusion for the bottleneck alone. There the fused convolution reads
    rectified maps, is rectified itself, and is followed by one more convolution. The first
    convolution of a basic block is the one of which the same holds. The shortcut is not exchanged.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    def _fused_forward(self, x: Tensor) -> Tensor:
        out, carry = self.fusion.enter(x)
        out = self.relu(self.norm1(self.conv1(out)))
        out = self.fusion.leave(out, carry)
        out = self.norm2(self.conv2(out))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))
