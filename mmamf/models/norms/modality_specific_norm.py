import torch.nn as nn
from torch import Tensor

from ..modality_axis import unfold_modalities

_PER_CHANNEL = ('weight', 'bias', 'running_mean', 'running_var')


class ModalitySpecificNorm(nn.Module):
    """Base of the layers that normalize every modality with its own parameters and statistics.

    M private layers over C channels are one ordinary layer over M*C channels, because the folded
    batch (N*M, C, H, W) is a view of (N, M*C, H, W). That ordinary layer is a child module, so
    whatever looks for torch's own class (``norm_eval``, frozen stages, SyncBN conversion, weight
    decay rules) finds it.

    In a state dict the child leaves no trace: the keys are those of the plain layer
    (``bn1.weight``), with M*C values. A plain checkpoint, C values, is loaded into every modality.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to the torch layer.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    norm_class: type[nn.Module]

    def __init__(self, num_features: int, num_modalities: int, **kwargs) -> None:
        super().__init__()
        if num_modalities < 1:
            raise ValueError(f'num_modalities must be at least 1, got {num_modalities}')
        self.num_features = num_features
        self.num_modalities = num_modalities
        self.norm = self.norm_class(num_features * num_modalities, **kwargs)
        self._register_state_dict_hook(_drop_child_name)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize every modality with its own layer."""
        return self.norm(unfold_modalities(x, self.num_modalities)).view(x.shape)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        if f'{prefix}bn_0.weight' in state_dict:
            raise ValueError(
                f"{prefix}bn_0.weight: this is a checkpoint in the authors' format, "
                'convert it first with tools/convert_checkpoint.py'
            )
        # Called by torch's and by mmengine's loader alike, before the child is loaded from the same
        # dict.
        for name in (*_PER_CHANNEL, 'num_batches_tracked'):
            if prefix + name not in state_dict:
                continue
            value = state_dict.pop(prefix + name)
            if name in _PER_CHANNEL:
                value = self._spread(value, prefix + name)
            state_dict[f'{prefix}norm.{name}'] = value
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _spread(self, value: Tensor, key: str) -> Tensor:
        """Give a plain layer's values to every modality; leave private values as they are."""
        c, m = self.num_features, self.num_modalities
        if value.numel() == m * c:
            return value
        if value.numel() == c:
            return value.repeat(m)
        raise ValueError(
            f'{key}: expected {m} x {c} values (one set per modality) or {c} (a plain layer, '
            f'loaded into every modality), got {value.numel()}: a checkpoint of another number of '
            'modalities or of another width'
        )


def _drop_child_name(
    module: nn.Module, state_dict: dict, prefix: str, local_metadata: dict
) -> None:
    """Store the child's entries under the key names of a plain layer."""
    child = f'{prefix}norm.'
    for key in [key for key in state_dict if key.startswith(child)]:
        state_dict[prefix + key[len(child) :]] = state_dict.pop(key)
