import copy
from collections import Counter
from collections.abc import Iterator
from itertools import count, pairwise

import torch
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks import wrappers
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_weights

from ..models.fusions import ChannelExchangeFusion
from ..models.modality_specific_layer import ModalitySpecificLayer
from ..models.norms import ModalitySpecificNorm

# Plain convolutions: mmcv's, which check for empty maps first, and those of which they are made.
_CONVS = (nn.Conv2d, nn.ConvTranspose2d, wrappers.Conv2d, wrappers.ConvTranspose2d)
# Plain norms; some that inherit from them do more, such as an activation.
_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.InstanceNorm2d)


def deploy(model: nn.Module) -> nn.Module:
    """Return a copy of a model for inference, without the norm layers that can be done without.

    In evaluation, a norm with running statistics is a scale and a shift per channel. Directly
    behind a convolution they can be folded:

    - into the kernel and the bias, where convolution and norm are private alike or shared alike,
      or the convolution alone is private. The norm is gone;
    - into one scale and one shift per modality, where private norms follow a shared convolution.
      They work in place, on what the convolution has just written, and the kernel stays shared.

    For that last case there is another form, a kernel per modality with its norm folded in, all of
    them as one grouped convolution. It saves the pass over the maps and makes the network M times
    as large. On a CPU (2 cores), the backbone with fusion took this part of its time with norms,
    for batches of 1 and of 4. They are medians of 3 to 30 interleaved repetitions, which lie within
    0.1 of them for the large images, and within 0.4 for the small:

    ====================== ================ ===================
    Backbone               scale and shift  kernel per modality
    ====================== ================ ===================
    ResNet-18, 160 x 120   0.98, 1.01       1.29, 1.21
    ResNet-50, 160 x 120   1.00, 1.01       1.28, 1.12
    ResNet-18, 640 x 480   0.95, 0.94       0.95, 0.94
    ResNet-50, 640 x 480   0.90, 0.88       0.93, 0.88
    ====================== ================ ===================

    Norms stay that take their statistics from the images, that do not follow a convolution, whose
    convolution is no plain one (deformable, say, or with normalized weights), that do more than
    normalize, or whose scales :class:`ChannelExchangeFusion` reads. Found are the convolutions and
    norms of mmcv's ConvModule, of Sequential containers, and of blocks that name them as mmseg's
    ResNets do (``conv1``, ``norm1_name``). Fusion operators stay as they are.

    The outputs are equal to those of ``model.eval()`` but for rounding. Do not train the result.

    Args:
        model: A trained segmentor, translator, backbone or any other model. It is left unchanged.
    """
    deployed = copy.deepcopy(model).requires_grad_(False)
    deployed.eval()  # mmseg's ResNet returns None
    uses = Counter(module for _, module in deployed.named_modules(remove_duplicate=False))
    kept = {
        norm
        for module in uses
        if isinstance(module, ChannelExchangeFusion)
        for norm in module._norm
    }
    for parent in list(uses):
        for conv_name, norm_name in _find_pairs(parent):
            conv, norm = parent._modules[conv_name], parent._modules[norm_name]
            if _is_foldable(conv, norm) and norm not in kept and uses[conv] == uses[norm] == 1:
                parent._modules[norm_name] = _fold(conv, norm)
    return deployed


class _PrivateAffine(nn.Module):
    """A scale and a shift for every channel of every modality, in place.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    def __init__(self, norm: ModalitySpecificNorm) -> None:
        super().__init__()
        self.num_modalities = norm.num_modalities
        scale, shift = _as_affine(norm)
        for name, values in (('scale', scale), ('shift', shift)):
            # (M*C) -> (M, C, 1, 1), to be repeated for every sample
            values = values.unflatten(0, (self.num_modalities, -1))[..., None, None]
            self.register_buffer(name, values)

    def forward(self, x: Tensor) -> Tensor:
        # Repeating the few numbers needs no view of the maps, which in place no exporter follows.
        count = x.shape[0] // self.num_modalities
        return x.mul_(self.scale.repeat(count, 1, 1, 1)).add_(self.shift.repeat(count, 1, 1, 1))


def _find_pairs(parent: nn.Module) -> Iterator[tuple[str, str]]:
    """Name the children of which the second is applied to what the first returns."""
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
        _plain_class(conv).forward in [plain.forward for plain in _CONVS]
        and 'weight' in conv._parameters  # else it is computed, as spectral_norm does
        and not (transposed and conv.groups > 1)
        and _plain_class(norm).forward in [plain.forward for plain in _NORMS]
        and norm.running_mean is not None
    )


def _fold(conv: nn.Module, norm: nn.Module) -> nn.Module:
    """Fold a norm into its convolution as far as possible, and return what takes its place."""
    ratio = getattr(conv, 'num_modalities', 1) / getattr(norm, 'num_modalities', 1)
    if ratio < 1:
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


def _as_affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Turn the statistics and parameters of a norm into one scale and one shift per channel."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    if norm.affine:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift + norm.bias if norm.affine else shift


def _plain_class(layer: nn.Module) -> type:
    return layer.plain_class if isinstance(layer, ModalitySpecificLayer) else type(layer)
