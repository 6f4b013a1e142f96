from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..datasets.transforms.load_label_map import IGNORE
from ..models import ModalityEnsembleHead, MultimodalSegDataPreprocessor
from ..models.presence import presence_of
from .class_count import check_class_count
from .deploy import deploy


class SegmentorGraph(nn.Module):
    """A segmentor in its deployed form, as a function of tensors that can be exported.

    It computes the same as a test on whole images, at the size of the input: normalization,
    padding, network, upsampling, cropping.

    If a sample lacks a modality, all values of its input are NaN, as in the network. NaN marks
    absence instead of a mask input, because callers with all modalities then pass nothing extra,
    and because no reading is NaN. A network for one modality does not look for absence.

    With preprocessing, a missing reading is NaN, too, and the graph replaces it as the data
    preprocessor does. Without preprocessing, the caller replaces it by a normalized value, such as
    0 for the mean.

    If ``test_cfg.guard`` of the model is on, the graph treats a modality whose sensor is broken as
    absent, too.

    Args:
        model: The segmentor. It is left unchanged.
        preprocessing: Whether the graph normalizes. If not, it expects normalized images in the
            network's order of colors, with ``in_channels`` channels each.
        labels: Whether to return class indices instead of logits.
        ensemble: Whether to return the ensemble alone, which saves the upsampling of the others.

    Shape:
        - Input: one tensor (N, C_m, H, W) for each of ``input_names``, float32, in the units of the
          files and in OpenCV's order of channels (BGR).
        - Output: one map for each of ``output_names``: logits (N, K, H, W), or class indices (N, H,
          W), uint8. Maps of an absent modality are NaN, or 255 for class indices. So are maps of
          the ensemble if a sample lacks all modalities.

    Raises:
        ValueError: If the model has no ModalityEnsembleHead or no MultimodalSegDataPreprocessor,
            pads to a fixed size in tests, has too many classes for 8-bit indices, or has a guard
            that cannot work, or that nobody would see in the ensemble alone.
    """

    def __init__(
        self,
        model: nn.Module,
        preprocessing: bool = True,
        labels: bool = False,
        ensemble: bool = False,
    ) -> None:
        super().__init__()
        for name, expected in (
            ('decode_head', ModalityEnsembleHead),
            ('data_preprocessor', MultimodalSegDataPreprocessor),
        ):
            part = getattr(model, name, None)
            if not isinstance(part, expected):
                raise ValueError(
                    f'{name}: expected a {expected.__name__}, got {type(part).__name__} in '
                    f'{type(model).__name__}'
                )
        padding = model.data_preprocessor.test_cfg or {}
        if padding.get('size') is not None:
            raise ValueError(
                'data_preprocessor.test_cfg: expected no size, because the graph takes images of '
                f'any size, got size={padding["size"]}'
            )
        if labels:
            check_class_count(model.decode_head.num_classes)
        self.model = deploy(model)
        self.guarded = getattr(model, 'is_guarded', False)
        if self.guarded and ensemble:
            raise ValueError(
                'ensemble: expected a model without guard, because what it leaves out is seen in '
                'the outputs of the modalities, got test_cfg.guard=True'
            )
        if self.guarded:
            model.guard.check(model.backbone)
        self.preprocessing = preprocessing
        self.labels = labels
        self.divisor = padding.get('size_divisor') or 1
        self.input_names = self.model.data_preprocessor.modalities
        kind = 'pred_sem_seg' if labels else 'seg_logits'
        members = () if ensemble else self.input_names
        self.output_names = (kind, *(f'{kind}_{name}' for name in members))

    def forward(self, *images: Tensor) -> tuple[Tensor, ...]:
        """Predict from one batch of every modality: the ensemble, then every modality."""
        # NaN is found in the inputs, because a quantizer replaces it in the first operation
        there = torch.stack([1 - i.isnan().float().amin((1, 2, 3)) for i in images], dim=1)
        fill = self._fill() if self.preprocessing else [0.0] * len(images)
        x = torch.cat([torch.where(i.isnan(), f, i) for i, f in zip(images, fill)], dim=1)
        height, width = x.shape[2:]
        if self.preprocessing:
            x = self._normalize(x)
        counts = dict(repeats=x.shape[1] // len(images), dim=1)
        if self.guarded:
            blank = _blank_absent(there.repeat_interleave(**counts), x)
            used, _ = self.model.guard(self.model.backbone, blank)
            there = there * used.to(there.dtype)
        if self.divisor > 1:
            below, right = ((self.divisor - side) % self.divisor for side in (height, width))
            x = F.pad(x, (0, right, 0, below), value=self.model.data_preprocessor.pad_val)
        if len(images) > 1:
            x = _blank_absent(there.repeat_interleave(**counts), x)
        head = self.model.decode_head
        features = self.model.extract_feat(x)
        # not a call of the head: a quantizer tells by their names what is inside the network
        logits = (head.forward if len(self.output_names) == 1 else head.forward_all)(features)
        logits = head.head.predict_by_feat(logits, [{'img_shape': tuple(x.shape[2:])}])
        maps = logits[..., :height, :width].split(head.out_channels, dim=1)
        if self.labels:
            maps = tuple(self._classify(member) for member in maps)
        presence = presence_of(features)
        return maps if presence is None else self._blank(maps, presence)

    def split_inputs(self, raw: Tensor) -> tuple[Tensor, ...]:
        """Turn stacked images, in the units of the files, into the inputs of :meth:`forward`.

        Shape:
            - Input: (N, sum of C_m, H, W).
        """
        preprocessor = self.model.data_preprocessor
        parts = preprocessor.channel_index.split(preprocessor.in_channels)
        images = raw.split([len(set(part.tolist())) for part in parts], dim=1)
        if self.preprocessing:
            return images
        filled = [_fill_holes(image, value) for image, value in zip(images, self._fill())]
        return self._normalize(torch.cat(filled, dim=1)).split(preprocessor.in_channels, dim=1)

    def draw_raw(self, count: int, size: Sequence[int]) -> Tensor:
        """Draw random stacked images in the units of the files, around the modalities' means.

        Shape:
            - Output: (N, sum of C_m, H, W), where N is ``count``.
        """
        preprocessor = self.model.data_preprocessor
        noise = torch.randn(count, len(preprocessor.channel_index), *size)
        raw = noise.new_zeros(count, preprocessor.num_raw_channels, *size)
        raw[:, preprocessor.channel_index] = noise * preprocessor.std + preprocessor.mean
        return raw

    def _normalize(self, raw: Tensor) -> Tensor:
        preprocessor = self.model.data_preprocessor
        return (raw[:, preprocessor.channel_index] - preprocessor.mean) / preprocessor.std

    def _fill(self) -> list[Tensor]:
        """List the fill values of every input, (C_m, 1, 1), in the units of the files."""
        preprocessor = self.model.data_preprocessor
        raw = torch.zeros_like(preprocessor.fill[: preprocessor.num_raw_channels])
        raw[preprocessor.channel_index] = preprocessor.fill
        parts = preprocessor.channel_index.split(preprocessor.in_channels)
        return list(raw.split([len(set(part.tolist())) for part in parts]))

    def _blank(self, maps: Sequence[Tensor], presence: Tensor) -> tuple[Tensor, ...]:
        """Mark the maps of absent modalities, and the ensemble's if all are absent."""
        there = (presence.any(1), *presence.unbind(1))
        shown = []
        for member, rows in zip(maps, there):
            if self.labels:
                shown.append(member.masked_fill(~rows[:, None, None], IGNORE))
            else:
                shown.append(_blank_absent(rows[:, None].to(member.dtype), member))
        return tuple(shown)

    def _classify(self, logits: Tensor) -> Tensor:
        if logits.shape[1] == 1:  # one logit for two classes
            labels = logits[:, 0].sigmoid() > self.model.decode_head.threshold
        else:
            labels = logits.argmax(1)
        return labels.to(torch.uint8)


def _fill_holes(image: Tensor, value: Tensor) -> Tensor:
    """Replace missing readings by a value; an image without any reading stays NaN."""
    holes = image.isnan()
    absent = holes.flatten(1).all(1)[:, None, None, None]
    return torch.where(holes & ~absent, value, image)


def _blank_absent(there: Tensor, maps: Tensor) -> Tensor:
    """Keep maps where ``there`` is 1, and make them NaN where it is 0.

    NaN is computed as 0 / 0, because quantizers refuse a NaN constant.

    Shape:
        - there: (N, C) or (N, 1).
        - maps: (N, C, H, W).
    """
    there = there[:, :, None, None]
    return maps / (there / there)
