from collections.abc import Sequence

from mmengine.registry import MODELS
from mmseg.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
from mmseg.models.utils import ResLayer
from torch import Tensor

from ...weights import accept_whole_models
from ..fast_max_pool2d import FastMaxPool2d
from ..folded_batch import share_batch
from ..tracing import as_one_step
from .fusible_blocks import FusibleBasicBlock, FusibleBottleneck
from .sharing import check_fusion_stages, fill_in_num_modalities, fit_stem

_FUSIBLE = {BasicBlock: FusibleBasicBlock, Bottleneck: FusibleBottleneck}


@MODELS.register_module()
class SharedMultimodalResNet(ResNet):
    """One ResNet for all modalities: shared convolutions, private norms, fusion in chosen stages.

    From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020). It is mmseg's ResNet over a batch into which
    the modalities are folded; the last block of each fused stage holds a fusion operator. The
    authors have bottlenecks and two modalities; basic blocks and any number of modalities are ours
    (see :class:`FusibleBasicBlock` and the operator for what that means). With one modality and no
    fusion it equals mmseg's ResNet, and a ResNet checkpoint starts every modality alike.

    What the modalities share is decided by ``conv_cfg`` and ``norm_cfg``, and nowhere else:

    ======================== ====================== ============================================
    ``conv_cfg``             ``norm_cfg``           Network
    ======================== ====================== ============================================
    None                     None                   Shared convolutions, private norms: ours
    None                     'BN'                   Shared convolutions, shared norms
    'ModalitySpecificConv'   'ModalitySpecificBN'   Private both: M encoders
    'ModalitySpecificConv'   'BN'                   Private convolutions, shared norms
    ======================== ====================== ============================================

    Args:
        depth: 18, 34, 50, 101 or 152.
        num_modalities: Number of modalities M.
        fusion: Config of a fusion operator, built once for every fused stage; None switches fusion
            off.
        fusion_stages: Which stages, counted from 0, are fused.
        fused_blocks: 'last', the last block of each fused stage, or 'all' of its blocks. The first
            block of a stage mostly changes the shape of the maps; its operator enters and leaves
            behind the convolution, as a neck does.
        conv_cfg: Config of the convolutions, None for plain ones.
        norm_cfg: Config of the norm layers, None for private ones. In both configs,
            ``num_modalities`` is filled in for the modality-specific types; any other type is
            shared by the modalities.
        bands: Number of bands of every modality, if they differ. One with ``in_channels`` goes
            through the shared first convolution, any other has its own (see :class:`BandedConv`).
            :class:`MultimodalSegmentor` holds them against those of the data preprocessor.
            None for modalities that are tiled to ``in_channels`` by the data preprocessor.
        **kwargs: Passed on to mmseg's ResNet; ``in_channels`` counts the channels of the shared
            first convolution. ``deep_stem`` and ``avg_down`` make the V1c and V1d variants.

    A checkpoint of a network for RGB fits all of them: its first kernel is averaged for bands that
    have their own, and spread over tiled channels where ``in_channels`` is not 3 and the
    convolution is shared.

    A sample may lack modalities: all their values are NaN then. They enter no statistics of private
    norms and no fusion, and the output carries a mask; their maps in the output mean nothing.
    Statistics of shared norms see zeros for them.

    Shape:
        - Input: (N, M*in_channels, H, W), the modalities stacked along channels; with ``bands``,
          (N, M*max(bands), H, W).
        - Output: one folded map (N*M, C, h, w) for each of ``out_indices``.

    Raises:
        ValueError: If a stage or a choice of blocks does not exist, ``conv_cfg`` or ``norm_cfg``
            names another M, ``bands`` are not one number per modality or the first convolution is
            no plain one, plugins are combined with fusion, or an input has another number of
            channels or a sample without any modality.
    """

    def __init__(
        self,
        depth: int,
        num_modalities: int,
        fusion: dict | None = None,
        fusion_stages: Sequence[int] = (0, 1, 2, 3),
        fused_blocks: str = 'last',
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        bands: Sequence[int] | None = None,
        **kwargs,
    ) -> None:
        conv_cfg = conv_cfg and fill_in_num_modalities('conv_cfg', conv_cfg, num_modalities)
        norm_cfg = norm_cfg or {'type': 'ModalitySpecificBN'}
        norm_cfg = fill_in_num_modalities('norm_cfg', norm_cfg, num_modalities)
        super().__init__(depth, conv_cfg=conv_cfg, norm_cfg=norm_cfg, **kwargs)
        self.maxpool = FastMaxPool2d(kernel_size=3, stride=2, padding=1)
        self.num_modalities = num_modalities
        stem = 'stem.0' if self.deep_stem else 'conv1'
        self.bands = bands
        self.in_channels = fit_stem(self, [stem], num_modalities, bands)
        self.in_channels = self.in_channels or kwargs.get('in_channels', 3)
        accept_whole_models(self)
        self._freeze_stages()  # what has come into the first, too
        if fusion is not None:
            self._fill_fusion_slots(fusion, fusion_stages, fused_blocks)
        self.batch = share_batch(self, num_modalities)

    def make_res_layer(self, block: type, **kwargs) -> ResLayer:
        """Pack all blocks of a stage, each with an empty slot for fusion."""
        return super().make_res_layer(block=_FUSIBLE[block], **kwargs)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Fold the modalities into the batch and run the shared network."""
        x = _check_channels(x, self.num_modalities, self.in_channels)
        return self.batch.run(super().forward, x)

    def train(self, mode: bool = True) -> 'SharedMultimodalResNet':
        """Set the mode as mmseg does, and return self, which mmseg forgets."""
        super().train(mode)
        return self

    def _fill_fusion_slots(self, fusion: dict, stages: Sequence[int], blocks: str) -> None:
        if self.plugins is not None:
            raise ValueError('plugins and fusion cannot be combined: set one of them to None')
        if blocks not in ('last', 'all'):
            raise ValueError(f"fused_blocks must be 'last' or 'all', got {blocks!r}")
        check_fusion_stages(stages, self.num_stages)
        for stage in stages:
            layer = list(self.get_submodule(self.res_layers[stage]))
            for block in layer[-1:] if blocks == 'last' else layer:
                block.fill_slot(fusion, self.num_modalities)


@as_one_step
def _check_channels(x: Tensor, num_modalities: int, in_channels: int) -> Tensor:
    expected = num_modalities * in_channels
    if x.shape[1] != expected:
        raise ValueError(
            f'expected {expected} input channels ({num_modalities} modalities x {in_channels}), '
            f'got an input of shape {tuple(x.shape)}'
        )
    return x
