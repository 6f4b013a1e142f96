import torch.nn as nn
from mmengine.registry import MODELS

from .modality_specific_norm import ModalitySpecificNorm


@MODELS.register_module()
class ModalitySpecificIN(ModalitySpecificNorm):
    """Instance normalization with parameters and statistics of its own for every modality.

    The translation networks of `Learning Deep Multimodal Feature Representation with Asymmetric
    Multi-layer Fusion <https://arxiv.org/abs/2108.05009>`_ use it, with running statistics. Without
    ``affine`` and ``track_running_stats`` there is nothing private in it, and it equals
    :class:`torch.nn.InstanceNorm2d`.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to :class:`torch.nn.InstanceNorm2d`.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).

    Raises:
        ValueError: If the batch is not a multiple of M, or a checkpoint has another M.
    """

    _abbr_ = 'in'
    norm_class = nn.InstanceNorm2d
