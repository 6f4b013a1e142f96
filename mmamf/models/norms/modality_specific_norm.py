import torch.nn as nn
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.instancenorm import _InstanceNorm

from ..modality_specific_layer import ModalitySpecificLayer
from ..presence import layer_presence
from .call_copies import call_copies


class ModalitySpecificNorm(ModalitySpecificLayer):
    """Base of the layers that normalize every modality with its own parameters and statistics.

    See :class:`ModalitySpecificLayer` for how they work and for checkpoints. Maps of modalities
    that a sample lacks, as a backbone says in ``presence``, enter no statistics.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to the torch layer.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).

    Raises:
        ValueError: If synchronized statistics, or running ones of instances, are taken of samples
            that lack modalities.
    """

    child_name = 'norm'
    private_entries = ('weight', 'bias', 'running_mean', 'running_var')
    norm_class: type[nn.Module]
    presence = layer_presence()  # set by the backbone, see take_presence

    def __init__(self, num_features: int, num_modalities: int, **kwargs) -> None:
        super().__init__(num_modalities)
        self.num_features = num_features
        self.norm = self.norm_class(num_features * num_modalities, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply its own layer to every modality."""
        if self.presence is None or not self._takes_statistics():
            return super().forward(x)
        if isinstance(self.norm, nn.SyncBatchNorm | _InstanceNorm):
            raise ValueError(
                'ModalitySpecificNorm: expected all modalities in every sample where statistics '
                'are synchronized (SyncBN), as processes may lack different ones, or are those of '
                'instances (track_running_stats); use ModalitySpecificBN'
            )
        return call_copies(self.norm, x, self.num_modalities, self.presence)

    def _takes_statistics(self) -> bool:
        """Tell whether the layer learns statistics from this batch, or normalizes by its."""
        norm = self.norm
        if isinstance(norm, _InstanceNorm):  # every map by its own, or by running statistics
            return norm.training and norm.track_running_stats
        return isinstance(norm, _NormBase) and (norm.training or norm.running_mean is None)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        if f'{prefix}bn_0.weight' in state_dict:
            raise ValueError(
                f"{prefix}bn_0.weight: this is a checkpoint in the authors' format, "
                'convert it first with tools/convert_checkpoint.py'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)
