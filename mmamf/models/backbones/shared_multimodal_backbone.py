from collections.abc import Mapping, Sequence

import torch
from mmengine.model import BaseModule, ModuleDict, ModuleList
from mmengine.registry import MODELS
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.utils import ConfigType
from torch import Tensor, nn

from ...weights import accept_whole_models
from ..fusions import fusion_losses
from ..norms import make_norms_private
from ..share_batch import share_batch
from .fuse_places import closest_places, find_places, fuse_places
from .fused_place import MisfitError
from .sharing import (
    build_operator,
    check_fusion_stages,
    fill_in_num_modalities,
    find_stems,
    fit_stem,
)


@MODELS.register_module()
class SharedMultimodalBackbone(BaseModule):
    """Make one network for all modalities from any mmseg backbone, with private norms and fusion.

    From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020). The paper does it for ResNets; here it works
    for convolutions, attention and perceptrons. The modalities are folded into the batch and share
    all weights, except that every norm layer becomes a private one that starts from its values. The
    paper fuses around convolutions inside the network. ``fuse_at`` does so around any modules that
    keep the shape of their input (:class:`FusedPlace`). Without it, the outputs of the backbone are
    fused, as in a neck. :class:`SharedMultimodalResNet` is the paper's network.

    ``init_cfg`` of the backbone loads a checkpoint of the plain backbone, or of a whole model that
    contains it; every modality starts with these weights. ``load_from`` accepts a checkpoint of a
    whole model, too. With one modality, no layer is replaced. ``conv_cfg`` and ``norm_cfg`` of the
    backbone may name modality-specific layers, as in :class:`SharedMultimodalResNet`.

    docs/backbones.md lists the backbones that were tried, and the special points of each.

    A sample may lack modalities; their values are then all NaN, as in
    :class:`SharedMultimodalResNet`.

    Args:
        num_modalities: Number of modalities M.
        backbone: Config of the backbone. Its input channels are those of one modality.
        fusion: Config of a fusion operator, built once for every place and fused output; None
            switches fusion off.
        fusion_stages: The outputs of the backbone to fuse, counted from 0. By default, these are
            the first four; with ``fuse_at``, none. An operator that has parameters also needs the
            channels of each, as a dict from output to channels: ``{1: 24, 3: 96}``.
        bands: Number of bands of every modality, if they differ, as in
            :class:`SharedMultimodalResNet`. The backbone must have a single convolution that sees
            the image.
        init_cfg: ``init_cfg`` for the backbone, in place of its own.
        pretrained: Checkpoint for the backbone; mmseg passes ``model.pretrained`` here.
        fuse_at: Names, or patterns, of modules of the backbone, as :func:`find_places` takes them.
            An operator enters before and leaves after each. The attribute ``inside`` holds it under
            the name of the module, with ``-`` for dots.

    Shape:
        - Input: (N, M*C, H, W), the modalities stacked along channels.
        - Output: the output of the backbone for the folded batch (N*M, C, H, W): mostly a pyramid
          of folded maps (N*M, C_i, H_i, W_i).

    Raises:
        ValueError: If the backbone folds modalities itself, a norm layer cannot be made private or
            cannot know the modality of its input, an output to fuse does not exist, ``fuse_at``
            names no module or one that cannot be fused, ``conv_cfg`` or ``norm_cfg`` has another M,
            ``bands`` is not one number per modality, the first convolution cannot be replaced, M
            does not divide the channels of an input, a sample has no modality, or more than one
            argument says where the weights come from.
    """

    def __init__(
        self,
        num_modalities: int,
        backbone: ConfigType,
        fusion: ConfigType | None = None,
        fusion_stages: Sequence[int] | Mapping[int, int] | None = None,
        bands: Sequence[int] | None = None,
        init_cfg: dict | list[dict] | None = None,
        pretrained: str | None = None,
        fuse_at: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        if num_modalities < 1:
            raise ValueError(f'num_modalities must be at least 1, got {num_modalities}')
        self.num_modalities = num_modalities
        self.backbone = _build(_with_init(backbone, init_cfg, pretrained), num_modalities)
        stems = find_stems(self.backbone, backbone.get('in_channels', 3))
        self.bands = bands
        fit_stem(self.backbone, stems, num_modalities, bands)
        if num_modalities > 1:
            make_norms_private(self.backbone, num_modalities)
        accept_whole_models(self.backbone)
        places = [] if fuse_at is None else find_places(self.backbone, fuse_at)
        self.inside = ModuleDict()  # by the names of the places
        if fusion is not None:
            operators = fuse_places(self.backbone, places, fusion, num_modalities)
            self.inside.update({name.replace('.', '-'): o for name, o in operators.items()})
        if fusion_stages is None:
            fusion_stages = (0, 1, 2, 3) if fuse_at is None else ()
        self.fusion_stages = () if fusion is None else tuple(fusion_stages)
        channels = fusion_stages if isinstance(fusion_stages, Mapping) else {}
        self.fusions = ModuleList(
            build_operator(fusion, num_modalities, channels.get(stage))
            for stage in self.fusion_stages
        )
        self.batch = share_batch(self, num_modalities)

    def forward(self, x: Tensor) -> Sequence[Tensor]:
        """Fold the modalities into the batch, run the backbone and fuse its outputs."""
        try:
            return self.batch.run(self._run, x)
        except MisfitError as error:
            raise self._explain(error, x) from None

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        # A checkpoint of the plain backbone lacks the prefix ``backbone.`` in its keys.
        own = {f'{prefix}{name}' for name in self.backbone.state_dict()}
        nested = any(f'{prefix}backbone.{name[len(prefix) :]}' in state_dict for name in own)
        for name in () if nested else own & set(state_dict):
            state_dict[f'{prefix}backbone.{name[len(prefix) :]}'] = state_dict.pop(name)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _explain(self, error: MisfitError, x: Tensor) -> ValueError:
        """Name the place that an error is about, and others."""
        name = next(n for n, module in self.backbone.named_modules() if module is error.module)
        fusion_losses(self)  # a tensor with a history cannot be copied
        closest = closest_places(self.backbone, self.num_modalities, x, name)
        return ValueError(
            f'fuse_at: {name!r} of {type(self.backbone).__name__}: {error.reason}. Modules that '
            f'can be fused, those with similar names first: {closest}'
        )

    def _run(self, x: Tensor) -> Sequence[Tensor]:
        outputs = self.backbone(x)
        return self._fuse(outputs) if self.fusions else outputs

    def _fuse(self, outputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        if not isinstance(outputs, Sequence):
            raise ValueError(
                f'fusion: expected a backbone that returns a sequence of maps, '
                f'{type(self.backbone).__name__} returned a {type(outputs).__name__}'
            )
        check_fusion_stages(self.fusion_stages, len(outputs))
        fused = list(outputs)
        for stage, operator in zip(self.fusion_stages, self.fusions):
            fused[stage] = operator.around(nn.Identity(), fused[stage])
        return tuple(fused)


def _with_init(
    backbone: ConfigType, init_cfg: dict | list[dict] | None, pretrained: str | None
) -> ConfigType:
    """Add the source of the weights to the config of the backbone."""
    if pretrained is not None:
        pretrained = dict(type='Pretrained', checkpoint=pretrained)
    own = backbone.get('pretrained') or backbone.get('init_cfg')
    given = [cfg for cfg in (own, init_cfg, pretrained) if cfg is not None]
    if len(given) > 1:
        raise ValueError(
            'SharedMultimodalBackbone: expected weights from one of backbone.init_cfg, init_cfg '
            f'and pretrained (or model.pretrained), got {given}'
        )
    return backbone if own or not given else {**backbone, 'init_cfg': given[0]}


def _build(config: ConfigType, num_modalities: int) -> BaseModule:
    layers = {
        key: fill_in_num_modalities(key, config[key], num_modalities)
        for key in ('conv_cfg', 'norm_cfg')
        if config.get(key)
    }
    device = torch.get_default_device()
    with torch.device('cpu' if device.type == 'meta' else device):
        backbone = MMSEG_MODELS.build({**config, **layers})  # transformers read values when built
    if device.type == 'meta':
        backbone = backbone.to(device)
    if hasattr(backbone, 'num_modalities'):
        raise ValueError(
            f'backbone: expected one for a single modality, {type(backbone).__name__} folds the '
            'modalities itself: use it without SharedMultimodalBackbone'
        )
    return backbone
