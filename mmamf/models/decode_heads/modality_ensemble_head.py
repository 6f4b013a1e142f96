from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.models.decode_heads.cascade_decode_head import BaseCascadeDecodeHead
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import ConfigType, SampleList
from torch import Tensor, nn

from ...ensemble import ENSEMBLE, check_alpha, modality_names, name_losses
from ..host_copy import on_host, places
from ..modality_axis import unfold_modalities
from ..modality_specific_layer import ModalitySpecificLayer
from ..presence import presence_of
from ..share_batch import share_batch
from ..tracing import is_exporting
from .check_losses import check_losses, check_weight_files, losses_of
from .check_samples import check_labels, check_presence
from .mend_losses import mend_losses
from .temperature_scaling import TemperatureScaling

mend_losses()

IGNORE = 255  # label of ignored pixels and of padding


@MODELS.register_module()
class ModalityEnsembleHead(TemperatureScaling, BaseModule):
    """Let any mmseg decode head predict from every modality, and learn the ensemble of all.

    From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020). All modalities share the wrapped head, which
    sees an ordinary batch (the folded one). The ensemble's logits are the sum of the modalities'
    logits, weighted by softmax(alpha). The loss is the head's own loss for every modality, plus the
    same loss for the ensemble. In this last term the modalities' logits are detached, so it trains
    alpha alone.

    If the pyramid says that samples lack modalities, the wrapped head does not see their maps. A
    modality's loss counts only the samples that have it, and is zero if none has. The softmax
    counts only the modalities that are present. Logits of absent modalities are zero.

    Labels of 255, which also mark padding, are ignored. Labels of the wrapped head's own
    ``ignore_index`` are ignored, too.

    A calibrated checkpoint (``tools/calibrate.py``) has a ``temperature`` for the ensemble and for
    every modality, which divides their logits in predictions (`On Calibration of Modern Neural
    Networks <https://arxiv.org/abs/1706.04599>`_). The ensemble is the sum of the logits before
    that, so masks stay the same. With one output for two classes, the logit of the threshold is the
    fixed point, for the same reason. A training step drops the temperatures, because they fit the
    weights before it.

    In an mmseg config it takes the place of the wrapped head, as decode head or auxiliary head.

    Args:
        num_modalities: Number of modalities M.
        head: Config of the decode head to wrap. Its forward must return one map of logits.

    Shape:
        - Input: a pyramid of folded maps (N*M, C_i, H_i, W_i).
        - Output: logits of the ensemble (N, K, h, w).

    Raises:
        ValueError: If the head does not return one map of logits, the batch is not a multiple of M,
            the samples or a checkpoint have another number of modalities, samples and pyramid
            disagree on which modalities are absent, a label is not a class of the head, a loss
            cannot train the head or does not fit its classes, batch norm would have to learn from a
            single value, or temperatures are not 1 + M positive numbers.
        FileNotFoundError: If a file of class weights does not exist.
    """

    def __init__(self, num_modalities: int, head: ConfigType) -> None:
        super().__init__()
        self.num_modalities = num_modalities
        check_weight_files(head)
        self.head = MMSEG_MODELS.build(head)
        self.ignore_index = getattr(self.head, 'ignore_index', None)
        if self.ignore_index is not None:
            # Padding always has the label IGNORE, and a loss can ignore one label only.
            for part in self.head.modules():  # some heads contain other heads
                if getattr(part, 'ignore_index', None) == self.ignore_index:
                    part.ignore_index = IGNORE
        if isinstance(self.head, BaseCascadeDecodeHead):
            raise ValueError(
                'head: expected a decode head that makes logits from features, got '
                f'{type(self.head).__name__}, which refines the logits of another head'
            )
        check_losses(self.head)
        self._is_private = any(isinstance(m, ModalitySpecificLayer) for m in self.head.modules())
        self.batch = share_batch(self.head, num_modalities)
        self.alpha = nn.Parameter(torch.ones(num_modalities))
        self.register_buffer('temperature', None)
        # mmseg's segmentors read these attributes of their decode head.
        self.align_corners = self.head.align_corners
        self.num_classes = self.head.num_classes
        self.out_channels = self.head.out_channels
        self.threshold = self.head.threshold

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Compute the logits of the ensemble."""
        return self._temper(self._ensemble(self._members(inputs), presence_of(inputs)), 1)

    def forward_all(
        self, inputs: Sequence[Tensor], batch_img_metas: Sequence[dict] | None = None
    ) -> Tensor:
        """Compute the logits of the ensemble, followed by those of every modality.

        Args:
            inputs: The pyramid.
            batch_img_metas: What the samples say about themselves, to compare with the pyramid.

        Shape:
            - Output: (N, (1 + M) * K, h, w).
        """
        members = self._members(inputs, batch_img_metas)
        ensemble = self._ensemble(members, presence_of(inputs))
        stacked = torch.cat([ensemble, members.flatten(1, 2)], dim=1)
        return self._temper(stacked, 1 + self.num_modalities)

    def loss(
        self, inputs: Sequence[Tensor], batch_data_samples: SampleList, train_cfg: ConfigType
    ) -> dict:
        """Compute the head's losses for every modality, by name, and for the ensemble."""
        self._forget_temperature()
        metas = [sample.metainfo for sample in batch_data_samples]
        members = self._members(inputs, metas)
        presence = presence_of(inputs)
        samples = [self._ignoring(sample) for sample in batch_data_samples]
        check_labels(self.head, batch_data_samples, self.ignore_index)
        losses = {}
        names = modality_names(metas[0], self.num_modalities)
        for index, (name, logits) in enumerate(zip(names, members.unbind(1))):
            rows = None if presence is None else on_host(presence)[:, index]
            losses.update(name_losses(self._loss_of(logits, samples, rows), name))
        ensemble = self._ensemble(members.detach(), presence)
        losses.update(name_losses(self.head.loss_by_feat(ensemble, samples), ENSEMBLE))
        return losses

    def predict(
        self, inputs: Sequence[Tensor], batch_img_metas: list[dict], test_cfg: ConfigType
    ) -> Tensor:
        """Predict the ensemble's logits at the size of the images."""
        ensemble = self._ensemble(self._members(inputs, batch_img_metas), presence_of(inputs))
        return self.head.predict_by_feat(self._temper(ensemble, 1), batch_img_metas)

    def predict_all(self, inputs: Sequence[Tensor], batch_img_metas: list[dict]) -> Tensor:
        """Predict like :meth:`predict`: the logits of the ensemble, then those of every modality.

        Shape:
            - Output: (N, (1 + M) * K, H, W).
        """
        stacked = self.forward_all(inputs, batch_img_metas)
        return self.head.predict_by_feat(stacked, batch_img_metas)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        check_alpha(state_dict, f'{prefix}alpha', self.alpha)
        self._read_temperature(state_dict, prefix)
        # A checkpoint of the plain head lacks the prefix ``head.`` in its keys.
        own = {f'{prefix}{name}' for name in self.head.state_dict()}
        if not any(name.startswith(f'{prefix}head.') for name in state_dict):
            for name in own & set(state_dict):
                state_dict[f'{prefix}head.{name[len(prefix) :]}'] = state_dict.pop(name)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _members(self, inputs: Sequence[Tensor], metas: Sequence[dict] | None = None) -> Tensor:
        """Compute the logits of every modality, (N, M, K, h, w)."""
        check_presence(presence_of(inputs), metas or (), self.num_modalities)
        logits = self._logits(inputs)
        stacked = unfold_modalities(logits, self.num_modalities)
        if metas is not None and len(metas) != len(stacked):
            raise ValueError(
                f'expected {len(metas)} samples x {self.num_modalities} modalities in the batch, '
                f'got {len(logits)} maps: a backbone that does not fold the modalities into its '
                'batch needs SharedMultimodalBackbone around it'
            )
        # (N, M*K, h, w) -> (N, M, K, h, w); after unflatten, an exporter would fix the sizes
        sizes = (self.num_modalities, self.out_channels, *stacked.shape[2:])
        return stacked.reshape(stacked.shape[0], *sizes)

    def _logits(self, inputs: Sequence[Tensor]) -> Tensor:
        """Call the wrapped head, only for the maps of present modalities where this is possible."""
        presence = presence_of(inputs)
        if presence is None or self._is_private or is_exporting():
            with self.batch.use_presence(presence):  # private layers need all maps
                return self._call_head(inputs)
        rows = places(on_host(presence).flatten(), presence.device)
        is_single = isinstance(inputs, Tensor)  # some backbones return one map in evaluation
        logits = self._call_head(inputs[rows] if is_single else tuple(x[rows] for x in inputs))
        wide = logits.new_zeros(presence.numel(), *logits.shape[1:])
        return wide.index_put((rows,), logits)

    def _call_head(self, inputs: Sequence[Tensor]) -> Tensor:
        try:
            logits = self.head(inputs)
        except ValueError as error:
            if 'more than 1 value per channel' not in str(error):
                raise
            raise ValueError(
                f'{type(self.head).__name__}: batch norm needs more than one value per channel, '
                'got one: the head pools its maps to 1 x 1, and the batch has one sample with one '
                'modality. Use train_dataloader.batch_size >= 2, or another norm in the head, such '
                "as norm_cfg=dict(type='GN', num_groups=...)"
            ) from error
        if not isinstance(logits, Tensor):
            raise ValueError(
                f'{type(self.head).__name__} cannot be wrapped: its forward must return one map of '
                f'logits, got {type(logits).__name__}'
            )
        return logits

    def _ignoring(self, sample: SegDataSample) -> SegDataSample:
        """Give the label IGNORE to pixels that the wrapped head shall ignore, in a copy."""
        if self.ignore_index in (None, IGNORE):
            return sample
        label = sample.gt_sem_seg.data
        label = label.masked_fill(label == self.ignore_index, IGNORE)
        marked = sample.new()
        marked.gt_sem_seg = PixelData(data=label)
        return marked

    def _loss_of(
        self, logits: Tensor, samples: SampleList, rows: Tensor | None
    ) -> dict[str, Tensor]:
        """Compute the head's losses for one modality, over the samples that have it (rows)."""
        if rows is None or rows.all():
            return self.head.loss_by_feat(logits, samples)
        if rows.any():
            present = [sample for sample, row in zip(samples, rows.tolist()) if row]
            return self.head.loss_by_feat(logits[places(rows, logits.device)], present)
        return {loss.loss_name: 0 * logits.sum() for loss in losses_of(self.head)}

    def _ensemble(self, members: Tensor, presence: Tensor | None) -> Tensor:
        if presence is None:
            weights = self.alpha.softmax(0).view(-1, 1, 1, 1)
            return (members * weights).sum(1)
        if is_exporting():  # the same without infinity, which quantizers refuse
            weights = (self.alpha - self.alpha.max()).exp() * presence
            weights = weights / weights.sum(1, keepdim=True)
        else:
            weights = self.alpha.expand_as(presence).masked_fill(~presence, -torch.inf).softmax(1)
        weights = weights[:, :, None, None, None]
        members = members.masked_fill(~presence[:, :, None, None, None], 0)
        return (members * weights).sum(1)
