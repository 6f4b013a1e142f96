from collections.abc import Callable, Sequence
from types import SimpleNamespace

import torch
from mmengine.logging import print_log
from mmengine.registry import MODELS
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample
from mmseg.utils import ConfigType, OptSampleList, SampleList
from torch import Tensor, nn

from ...ensemble import LEFT_OUT, modality_names
from ..decode_heads import ModalityEnsembleHead
from ..fit_model import fit_model
from ..fusions import FusionOperator, fusion_losses
from ..norms import ModalitySpecificNorm, keep_part_statistics
from ..presence import note_presence, presence_of, with_presence
from ..share_batch import exchange_within, share_batch
from .exchange_dropout import ExchangeDropout
from .sensor_guard import SensorGuard

RATE = 0.5  # of exchange dropout, if samples may lack modalities


@MODELS.register_module()
class MultimodalSegmentor(EncoderDecoder):
    """mmseg's EncoderDecoder that also returns what every modality predicts by itself.

    In whole-image and sliding-window inference, the logits of the ensemble and of the modalities
    are one stack, which is split at the end. The losses are mmseg's, plus those of fusion
    operators. The stock EncoderDecoder works with the same parts, except operators that have a
    loss, but it returns the ensemble alone.

    The model counts the modalities that its data preprocessor describes, and passes the number to
    backbone, neck and heads (see :func:`fit_model`). A config need not repeat it.

    ``train_cfg=dict(exchange_dropout=0.5)`` trains for absent modalities (see
    :class:`ExchangeDropout`). It is the default if the data preprocessor describes an ``optional``
    modality and the model has a fusion operator; 0 switches it off. With it, private batch norms
    have statistics of their own for samples that lack modalities.

    ``test_cfg=dict(guard=True)`` treats a modality as absent if its sensor is broken (see
    :class:`SensorGuard`). The checkpoint must have thresholds. ``left_out`` of every predicted
    sample then names these modalities.

    Every predicted sample has ``pred_sem_seg`` and ``seg_logits`` of the ensemble, as in mmseg, and
    ``pred_sem_seg_<name>`` and ``seg_logits_<name>`` for every modality that is present in it.

    Args:
        backbone: Config of the backbone.
        decode_head: Config of a ModalityEnsembleHead.
        **kwargs: Further arguments of mmseg's EncoderDecoder. With several modalities, every
            ``auxiliary_head`` must be a ModalityEnsembleHead, too.

    Shape:
        - Input: (N, M*C, H, W), the modalities stacked along channels.

    Raises:
        ValueError: If ``exchange_dropout`` is not a number from 0 to 1, ``guard`` is not a bool or
            the guard cannot work with this network, a head is not a
            ModalityEnsembleHead, a part of the model has other numbers of modalities or channels
            than the data preprocessor describes, or a checkpoint has no weights of this model.
    """

    def __init__(self, backbone: ConfigType, decode_head: ConfigType, **kwargs) -> None:
        super().__init__(**fit_model(dict(kwargs, backbone=backbone, decode_head=decode_head)))
        given, key = self.train_cfg or {}, 'exchange_dropout'
        rate = given[key] if key in given else self._default_rate()
        self.exchange_dropout = ExchangeDropout(rate, self.decode_head.num_modalities)
        if self.exchange_dropout.rate and self.decode_head.num_modalities > 1:
            for norm in self.modules():
                if isinstance(norm, ModalitySpecificNorm):
                    keep_part_statistics(norm)
        self.guard = SensorGuard(self.decode_head.num_modalities)
        if not isinstance((self.test_cfg or {}).get('guard', False), bool):
            raise ValueError(f'test_cfg.guard: expected a bool, got {self.test_cfg.guard!r}')
        if self.with_neck:
            self.neck_batch = share_batch(self.neck, self.decode_head.num_modalities)

    def _default_rate(self) -> float:
        """Return the rate of exchange dropout: not 0 if a sample may lack what others rely on."""
        described = getattr(self.data_preprocessor, 'descriptions', {})
        optional = [name for name, modality in described.items() if modality.optional]
        operators = (module for module in self.modules() if isinstance(module, FusionOperator))
        if not optional or not any(operator.num_modalities > 1 for operator in operators):
            return 0
        print_log(
            f'samples may lack {optional}, so train_cfg.exchange_dropout is {RATE}: in this share '
            'of the training batches, modalities exchange nothing, or only in groups',
            logger='current',
        )
        return RATE

    def _init_decode_head(self, decode_head: ConfigType) -> None:
        super()._init_decode_head(decode_head)
        if not isinstance(self.decode_head, ModalityEnsembleHead):
            raise ValueError(
                'decode_head: expected a ModalityEnsembleHead around the head, got '
                f'{type(self.decode_head).__name__}'
            )

    def _init_auxiliary_head(self, auxiliary_head: ConfigType | list[ConfigType] | None) -> None:
        super()._init_auxiliary_head(auxiliary_head)
        if auxiliary_head is None:
            return
        expected = self.decode_head.num_modalities
        heads = self.auxiliary_head
        for head in heads if isinstance(heads, nn.ModuleList) else [heads]:
            if expected > 1 and not isinstance(head, ModalityEnsembleHead):
                # it would take the maps of M modalities for M samples
                raise ValueError(
                    'auxiliary_head must be wrapped as the decode head is: expected '
                    f"dict(type='ModalityEnsembleHead', num_modalities={expected}, head=dict(type="
                    f"'{type(head).__name__}', ...)), got {type(head).__name__}"
                )
            found = getattr(head, 'num_modalities', 1)
            if found != expected:
                raise ValueError(
                    f'auxiliary_head.num_modalities: expected {expected}, as of decode_head, got '
                    f'{found}'
                )

    def extract_feat(self, inputs: Tensor) -> Sequence[Tensor]:
        """Extract features, and keep their mask even if the neck drops it."""
        features = self.backbone(inputs)
        if not self.with_neck:
            return features
        presence = presence_of(features)
        with self.neck_batch.use_presence(presence):  # for private norms of the neck
            return with_presence(self.neck(features), presence)

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Compute the losses of the heads and of the fusion operators."""
        self.guard.threshold = None  # fitted to the weights before this step
        with exchange_within(self, self.exchange_dropout.draw()):
            return super().loss(inputs, data_samples) | fusion_losses(self)

    @property
    def is_guarded(self) -> bool:
        """Whether modalities whose sensor is broken are treated as absent."""
        return bool((self.test_cfg or {}).get('guard', False))

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predict as mmseg does, with guard without the modalities whose sensor is broken."""
        if not self.is_guarded:
            return super().predict(inputs, data_samples)
        size = tuple(inputs.shape[2:])
        if data_samples is None:
            meta = dict(ori_shape=size, img_shape=size, pad_shape=size, padding_size=[0] * 4)
            data_samples = [SegDataSample(metainfo=meta) for _ in inputs]
        used, caught = self._unpadded(self.guard, inputs, data_samples)
        planes = caught.repeat_interleave(inputs.shape[1] // caught.shape[1], dim=1)
        inputs = inputs.masked_fill(planes[:, :, None, None], torch.nan)
        note_presence(inputs, used.tolist())
        for sample, kept, lost in zip(data_samples, used.tolist(), caught.tolist()):
            names = modality_names(sample.metainfo, len(kept))
            present = tuple(name for name, is_used in zip(names, kept) if is_used)
            left_out = tuple(name for name, is_lost in zip(names, lost) if is_lost)
            sample.set_metainfo({'present': present, LEFT_OUT: left_out})
        return super().predict(inputs, data_samples)

    def rate_sensors(self, inputs: Tensor, data_samples: SampleList) -> tuple[Tensor, Tensor]:
        """Compute the guard's scores of a batch, and tell which modalities are present.

        Shape:
            - Output: (N, M) both.
        """
        return self._unpadded(self.guard.rate, inputs, data_samples)

    def _unpadded(self, function: Callable, inputs: Tensor, samples: SampleList) -> tuple:
        """Call a function of the guard on each image of a batch, without padding."""
        paddings = []
        for sample in samples:
            meta = sample.metainfo
            padding = meta.get('img_padding_size', meta.get('padding_size', [0] * 4))
            paddings.append(tuple(map(int, padding)))
        if len(set(paddings)) == 1:  # all at once
            return function(self.backbone, _crop(inputs, paddings[0]))
        parts = zip(inputs.split(1), paddings)
        found = [function(self.backbone, _crop(image, padding)) for image, padding in parts]
        return tuple(torch.cat(part) for part in zip(*found))

    def slide_inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Slide over the image, for the ensemble and every modality at once."""
        # mmseg's method needs these three; the model stays unchanged, because other threads use it
        windows = SimpleNamespace(
            test_cfg=self.test_cfg,
            out_channels=self.out_channels * (1 + self.decode_head.num_modalities),
            encode_decode=self.encode_decode,
        )
        return EncoderDecoder.slide_inference(windows, inputs, batch_img_metas)

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Predict the stacked logits of the ensemble and of every modality."""
        return self.decode_head.predict_all(self.extract_feat(inputs), batch_img_metas)

    def postprocess_result(
        self, seg_logits: Tensor, data_samples: OptSampleList = None
    ) -> SampleList:
        """Split the stack, and finish each part as mmseg finishes its only one."""
        ensemble, *members = seg_logits.split(self.decode_head.out_channels, dim=1)
        results = self._postprocess(ensemble, data_samples)
        names = modality_names(results[0].metainfo, len(members))
        for name, logits in zip(names, members):
            blank = data_samples and [SegDataSample(metainfo=s.metainfo) for s in data_samples]
            for result, member in zip(results, self._postprocess(logits, blank)):
                if name not in result.metainfo.get('present', names):
                    continue
                result.set_data(
                    {
                        f'pred_sem_seg_{name}': member.pred_sem_seg,
                        f'seg_logits_{name}': member.seg_logits,
                    }
                )
        return results

    def _postprocess(self, logits: Tensor, data_samples: OptSampleList) -> SampleList:
        results = super().postprocess_result(logits, data_samples)
        for result in results:  # for a head with one output, mmseg's labels are floats
            result.pred_sem_seg.data = result.pred_sem_seg.data.long()
        return results

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        # mmengine's loader would only log it, and continue with random weights.
        parts = tuple(f'{prefix}{name}.' for name in self._modules)
        if any('.bn_0.' in key for key in state_dict) or 'segmenter' in state_dict:
            raise ValueError(
                "expected a checkpoint of this project, got one in the authors' format: convert it "
                'first with tools/convert_checkpoint.py'
            )
        if not any(key.startswith(parts) for key in state_dict):
            raise ValueError(
                f'expected a checkpoint of this model, with entries of {parts}, got one without '
                f'any (first keys: {list(state_dict)[:3]}). A checkpoint of the backbone alone is '
                "loaded by the backbone: init_cfg=dict(type='Pretrained', checkpoint=...)"
            )
        super()._load_from_state_dict(state_dict, prefix, *args)


def _crop(images: Tensor, padding: Sequence[int]) -> Tensor:
    left, right, top, bottom = padding
    return images[..., top : images.shape[2] - bottom, left : images.shape[3] - right]
