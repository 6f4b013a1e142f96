"""mmseg's two residual blocks with a slot for a fusion operator."""

from mmseg.models.backbones.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..fusions import FusionOperator
from ..share_batch import SharesBatch
from .sharing import build_operator


class _FusionSlot(SharesBatch):
    """A slot for a fusion operator. While it is empty, the block works as mmseg's.

    An operator enters before the block's fused convolution and leaves after it. If this convolution
    changes the shape of the maps, ``carry`` no longer fits them, so ``enter`` and ``leave`` both
    run after it, as in a neck.

    The block does activation checkpointing (``with_cp``) itself, because mmseg uses torch's
    reentrant form, which torch is retiring.
    """

    fused_layer: int  # number of the fused convolution and of its norm

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fusion: FusionOperator | None = None

    def fill_slot(self, fusion: dict, num_modalities: int) -> None:
        """Build the operator for the output of the fused convolution, and show it the norm."""
        channels = self._fused_conv.out_channels
        self.fusion = build_operator(fusion, num_modalities, channels, self._fused_norm)

    def forward(self, x: Tensor) -> Tensor:
        """Run the block, fused if the slot is filled."""
        if not self.with_cp:
            return self._run(x)
        run = self._run if self.batch is None else self.batch.remember(self._run)
        return checkpoint(run, x, use_reentrant=False)

    @property
    def _fused_conv(self):
        return getattr(self, f'conv{self.fused_layer}')

    @property
    def _fused_norm(self):
        return getattr(self, f'norm{self.fused_layer}')

    def _fuse(self, x: Tensor) -> Tensor:
        """Run the fused convolution, its norm and its rectifier."""
        conv, norm = self._fused_conv, self._fused_norm
        if self.fusion is None:
            return self.relu(norm(conv(x)))
        if conv.in_channels != conv.out_channels or max(conv.stride) > 1:
            return self.fusion.around(nn.Identity(), self.relu(norm(conv(x))))
        return self.fusion.around(lambda maps: self.relu(norm(conv(maps))), x)


class FusibleBottleneck(_FusionSlot, Bottleneck):
    """Bottleneck with the fusion operator around its 3 x 3 convolution.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    fused_layer = 2

    def _run(self, x: Tensor) -> Tensor:
        out = self._plug(self.relu(self.norm1(self.conv1(x))), 1)
        out = self._plug(self._fuse(out), 2)
        out = self._plug(self.norm3(self.conv3(out)), 3)
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)

    def _plug(self, x: Tensor, index: int) -> Tensor:
        """Call the plugins that follow a convolution."""
        if not self.with_plugins:
            return x
        return self.forward_plugin(x, getattr(self, f'after_conv{index}_plugin_names'))


class FusibleBasicBlock(_FusionSlot, BasicBlock):
    """Basic block with the fusion operator around its first 3 x 3 convolution.

    The paper defines the fusion for bottlenecks only. There the fused convolution reads rectified
    maps, its output is rectified, and one more convolution follows. In a basic block, only the
    first convolution meets these conditions. The shortcut takes no part in the exchange.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    fused_layer = 1

    def _run(self, x: Tensor) -> Tensor:
        out = self.norm2(self.conv2(self._fuse(x)))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)
