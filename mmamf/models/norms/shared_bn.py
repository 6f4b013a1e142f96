from mmengine.registry import MODELS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


# mmseg's initializers look for the name _BatchNorm among the direct bases, so it is one of them.
@MODELS.register_module()
class SharedBN(nn.BatchNorm2d, _BatchNorm):
    """Batch normalization that all modalities share: :func:`make_norms_private` leaves it alone.

    `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020) gives each modality its own norms. This layer
    builds the networks without them, to compare with:
    ``backbone=dict(type='MobileNetV2', norm_cfg=dict(type='SharedBN'))``.

    Args:
        num_features: Channels of the maps.
        **kwargs: Passed on to :class:`torch.nn.BatchNorm2d`.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    _abbr_ = 'bn'  # prefix of mmcv's attribute, and so of pretrained keys
