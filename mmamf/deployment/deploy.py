import copy
from collections import Counter
from collections.abc import Iterator
from itertools import count, pairwise

import torch
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks import wrappers
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils import fuse_conv_bn_weights

from ..models.backbones.fused_place import FusedPlace
from ..models.fusions import ChannelExchangeFusion
from ..models.modality_specific_layer import ModalitySpecificLayer
from ..models.norms import ModalitySpecificNorm
from ..models.norms.part_statistics import (
    PART_STATISTICS,
    has_part_statistics,
    scale_and_shift,
)
from ..models.segmentors.sensor_guard import find_stem
from ..models.share_batch import SharesBatch
from .quick_segformer_head import quicken

# Plain convolutions: torch's, and mmcv's, which inherit from them and check for empty maps.
_CONVS = (nn.Conv2d, nn.ConvTranspose2d, wrappers.Conv2d, wrappers.ConvTranspose2d)
# Plain norms. Some of their subclasses do more, such as an activation.
_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.InstanceNorm2d)
_ALL_NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm)


def deploy(model: nn.Module) -> nn.Module:
    """Return a copy of a model for inference, without the norm layers that it does not need.

    In evaluation, a norm with running statistics is one scale and one shift per channel. If it
    directly follows a convolution, it can be folded:

    - into the kernel and the bias, if both are private, both are shared, or only the convolution is
      private. The norm disappears;
    - into one scale and one shift per modality, if private norms follow a shared convolution. They
      change the output of the convolution in place, and the kernel stays shared.

    The last case has an alternative: one kernel per modality with its norm folded in, all together
    as one grouped convolution. It saves a pass over the maps, but makes the network M times as
    large. The table shows the time of the backbone with fusion on a CPU (2 cores), as a share of
    its time with norms, for batches of 1 and of 4. Values are medians of 3 to 30 interleaved
    repetitions, which lie within 0.1 of them for large images, and within 0.4 for small ones:

    ====================== ================ ===================
    Backbone               scale and shift  kernel per modality
    ====================== ================ ===================
    ResNet-18, 160 x 120   0.98, 1.01       1.29, 1.21
    ResNet-50, 160 x 120   1.00, 1.01       1.28, 1.12
    ResNet-18, 640 x 480   0.95, 0.94       0.95, 0.94
    ResNet-50, 640 x 480   0.90, 0.88       0.93, 0.88
    ====================== ================ ===================

    If a private norm has statistics of their own for samples that lack modalities, nothing is
    folded into the kernel: it becomes two scales and two shifts per modality, one for each case.

    Fusion operators stay unchanged. So does a norm that

    - takes its statistics from the images,
    - does more than normalize,
    - has scales that :class:`ChannelExchangeFusion` reads, or statistics that the guard reads,
    - or does not follow a plain convolution. One with deformed kernels or normalized weights is not
      plain.

    A log line says how many norms are folded. Transformers gain little by this: layer norms take
    their statistics from the images, so only the decoder's norms go (5 of 35 in MiT-B0 with
    SegFormer's head). Most norms of SegNeXt (MSCAN) stand before their convolutions, and stay, too.
    What makes SegFormer faster is another form of its head, :class:`QuickSegformerHead`.

    The function finds convolutions and norms in mmcv's ConvModule, in Sequential containers, and in
    blocks with the names of mmseg's ResNets (``conv1``, ``norm1_name``).

    The outputs equal those of ``model.eval()`` except for rounding. Do not train the result.

    Args:
        model: A trained segmentor, translator, backbone or other model. It is left unchanged.
    """
    deployed = copy.deepcopy(model).requires_grad_(False)
    deployed.eval()  # a line of its own, because mmseg's ResNet returns None
    uses = Counter(module for _, module in deployed.named_modules(remove_duplicate=False))
    kept = {
        norm
        for module in uses
        if isinstance(module, ChannelExchangeFusion)
        for norm in module._norm
    }
    if getattr(model, 'is_guarded', False):
        kept.add(find_stem(deployed.backbone)[1])
    folded = 0
    for parent in list(uses):
        for conv_name, norm_name in _find_pairs(parent):
            conv, norm = parent._modules[conv_name], parent._modules[norm_name]
            if _is_foldable(conv, norm) and norm not in kept and uses[conv] == uses[norm] == 1:
                parent._modules[norm_name] = _fold(conv, norm)
                folded += 1
    for module in uses:
        quicken(module)
    total = sum(isinstance(module, _ALL_NORMS) for module in uses)
    print_log(f'deploy: folded {folded} of {total} norms', logger='current')
    return deployed


class _PrivateAffine(SharesBatch, nn.Module):
    """A scale and a shift for every channel of every modality, applied in place.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    def __init__(self, norm: ModalitySpecificNorm) -> None:
        super().__init__()
        self.batch = norm.batch
        self.num_modalities = norm.num_modalities
        pairs = [scale_and_shift(norm)]
        if has_part_statistics(norm):
            pairs.append(scale_and_shift(norm, *PART_STATISTICS))
        for name, values in zip(('scale', 'shift'), zip(*pairs)):
            # 1 or 2 x (M*C) -> (M or 2*M, C, 1, 1), to be repeated for every sample
            values = torch.cat(values).unflatten(0, (len(values) * self.num_modalities, -1))
            self.register_buffer(name, values[..., None, None])

    def forward(self, x: Tensor) -> Tensor:
        if self.batch is None:
            return self._scale(x)
        return self.batch.narrow(self._scale(self.batch.widen(x)))

    def _scale(self, x: Tensor) -> Tensor:
        return x.mul_(self._repeat(self.scale, x)).add_(self._repeat(self.shift, x))

    def _repeat(self, values: Tensor, x: Tensor) -> Tensor:
        # Repeats the few numbers, because exporters cannot follow an in-place change of a view.
        m = self.num_modalities
        if self.presence is None or len(values) == m:
            return values[:m].repeat(x.shape[0] // m, 1, 1, 1)
        is_whole = self.presence.all(1)[:, None, None, None, None]
        return torch.where(is_whole, values[:m], values[m:]).flatten(0, 1)


def _find_pairs(parent: nn.Module) -> Iterator[tuple[str, str]]:
    """Name pairs of children where the second is applied to the output of the first."""
    if isinstance(parent, ConvModule):
        if parent.with_norm and ('conv', 'norm') in pairwise(parent.order):
            yield 'conv', parent.norm_name
    elif isinstance(parent, nn.Sequential):
        if type(parent).forward is nn.Sequential.forward:
            yield from pairwise(parent._modules)
    else:
        for index in count(1):
            names = f'conv{index}', getattr(parent, f'norm{index}_name', None)
            if not set(names) <= set(parent._modules):
                break
            yield names


def _is_foldable(conv: nn.Module, norm: nn.Module) -> bool:
    transposed = isinstance(conv, nn.ConvTranspose2d)
    return (
        not isinstance(conv, FusedPlace)  # an operator leaves between the two
        and _plain_class(conv).forward in [plain.forward for plain in _CONVS]
        and 'weight' in conv._parameters  # spectral_norm computes it instead
        and not (transposed and conv.groups > 1)
        and _plain_class(norm).forward in [plain.forward for plain in _NORMS]
        and norm.running_mean is not None
    )


def _fold(conv: nn.Module, norm: nn.Module) -> nn.Module:
    """Fold a norm into its convolution as far as possible, and return its replacement."""
    ratio = getattr(conv, 'num_modalities', 1) / getattr(norm, 'num_modalities', 1)
    if ratio < 1 or has_part_statistics(norm):
        return _PrivateAffine(norm)
    names = ('running_mean', 'running_var', 'weight', 'bias')
    values = [getattr(norm, name) for name in names]
    mean, var, weight, bias = (v if v is None else v.repeat(int(ratio)) for v in values)
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        mean,
        var,
        norm.eps,
        weight,
        bias,
        transpose=isinstance(conv, nn.ConvTranspose2d),
    )
    return nn.Identity()


def _plain_class(layer: nn.Module) -> type:
    return layer.plain_class if isinstance(layer, ModalitySpecificLayer) else type(layer)
