from collections.abc import Sequence

from mmengine.registry import MODELS
from mmseg.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
from mmseg.models.utils import ResLayer
from torch import Tensor

from ...weights import accept_whole_models
from ..fast_max_pool2d import FastMaxPool2d
from ..modality_axis import check_channels
from ..share_batch import share_batch
from .fusible_blocks import FusibleBasicBlock, FusibleBottleneck
from .sharing import check_fusion_stages, fill_in_num_modalities, fit_stem

_FUSIBLE = {BasicBlock: FusibleBasicBlock, Bottleneck: FusibleBottleneck}


@MODELS.register_module()
class SharedMultimodalResNet(ResNet):
    """One ResNet for all modalities: shared convolutions, private norms, fusion in chosen stages.

    From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020). It is mmseg's ResNet on a batch into which
    the modalities are folded. The last block of each fused stage holds a fusion operator. The
    authors use bottlenecks and two modalities; we add basic blocks (see :class:`FusibleBasicBlock`)
    and any number of modalities (see the operator). With one modality and no fusion it equals
    mmseg's ResNet. A ResNet checkpoint gives every modality the same start.

    Only ``conv_cfg`` and ``norm_cfg`` decide what the modalities share:

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
        fusion_stages: The stages to fuse, counted from 0.
        fused_blocks: 'last' for the last block of each fused stage, 'all' for all of its blocks.
            The first block of a stage mostly changes the shape of the maps; its operator enters and
            leaves after the convolution, as in a neck.
        conv_cfg: Config of the convolutions, None for plain ones.
        norm_cfg: Config of the norm layers, None for private ones. In both configs,
            ``num_modalities`` is filled in for modality-specific types. The modalities share layers
            of any other type.
        bands: Number of bands of every modality, if they differ. A modality with ``in_channels``
            bands uses the shared first convolution; any other has its own (see
            :class:`BandedConv`). :class:`MultimodalSegmentor` compares them with those of the data
            preprocessor. None if the data preprocessor tiles every modality to ``in_channels``.
        **kwargs: Passed on to mmseg's ResNet; ``in_channels`` counts the channels of the shared
            first convolution. ``deep_stem`` and ``avg_down`` make the V1c and V1d variants.

    A checkpoint of an RGB network fits in every case. Private first kernels for other numbers of
    bands get the mean of its first kernel. If ``in_channels`` is not 3 and the first convolution is
    shared, its first kernel is spread over the tiled channels.

    A sample may lack modalities; their values are then all NaN. Convolutions, norms and fusion
    leave them out, and the output carries a mask. The output maps of absent modalities have no
    meaning.

    Shape:
        - Input: (N, M*in_channels, H, W), the modalities stacked along channels; with ``bands``,
          (N, M*max(bands), H, W).
        - Output: one folded map (N*M, C, h, w) for each of ``out_indices``.

    Raises:
        ValueError: If a stage or a choice of blocks does not exist, ``conv_cfg`` or ``norm_cfg``
            has another M, ``bands`` is not one number per modality, ``bands`` are given and the
            first convolution is not a plain one, plugins are combined with fusion, an input has
            another number of channels, or a sample has no modality.
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
        fit_stem(self, [stem], num_modalities, bands)
        self.in_channels = kwargs.get('in_channels', 3) if bands is None else max(bands)
        accept_whole_models(self)
        self._freeze_stages()  # again, for layers that were replaced in the first stages
        if fusion is not None:
            self._fill_fusion_slots(fusion, fusion_stages, fused_blocks)
        self.batch = share_batch(self, num_modalities)

    def make_res_layer(self, block: type, **kwargs) -> ResLayer:
        """Pack the blocks of a stage; each has an empty slot for a fusion operator."""
        return super().make_res_layer(block=_FUSIBLE[block], **kwargs)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Fold the modalities into the batch and run the shared network."""
        x = check_channels(x, self.num_modalities, self.in_channels)
        return self.batch.run(super().forward, x)

    def train(self, mode: bool = True) -> 'SharedMultimodalResNet':
        """Set the mode as mmseg does, and return self, which mmseg's method does not."""
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
