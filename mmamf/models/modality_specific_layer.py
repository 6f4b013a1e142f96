import torch.nn as nn
from torch import Tensor

from .modality_axis import fold_modalities, unfold_modalities


class ModalitySpecificLayer(nn.Module):
    """Base of the layers that hold parameters of their own for every modality.

    M private layers over C channels are one ordinary layer over M*C channels, because the folded
    batch (N*M, C, H, W) is a view of (N, M*C, H, W). That ordinary layer is a child module, so
    whatever looks for torch's own class (``norm_eval``, frozen stages, SyncBN conversion, weight
    decay rules) finds it.

    In a state dict the child leaves no trace: the keys are those of the plain layer
    (``bn1.weight``), with M sets of values along the first axis. A plain checkpoint, one set, is
    loaded into every modality.

    Args:
        num_modalities: Number of modalities M.

    Shape:
        - Input: folded maps (N*M, C, H, W).
        - Output: folded maps (N*M, C', H', W').

    Raises:
        ValueError: If M is less than 1, the batch is not a multiple of M, or a checkpoint has
            another M or another width.
    """

    child_name: str
    private_entries: tuple[str, ...]  # M sets along the first axis; every other entry is shared

    def __init__(self, num_modalities: int) -> None:
        super().__init__()
        if num_modalities < 1:
            raise ValueError(f'num_modalities must be at least 1, got {num_modalities}')
        self.num_modalities = num_modalities
        self._register_state_dict_hook(_drop_child_name)

    @property
    def child(self) -> nn.Module:
        """The ordinary layer over M*C channels."""
        return getattr(self, self.child_name)

    def forward(self, x: Tensor) -> Tensor:
        """Apply its own layer to every modality."""
        m = self.num_modalities
        return fold_modalities(self.child(unfold_modalities(x, m)), m)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        # Called by torch's and by mmengine's loader alike, before the child is loaded from the same
        # dict.
        for name, own in self.child.state_dict().items():
            if prefix + name not in state_dict:
                continue
            value = state_dict.pop(prefix + name)
            if name in self.private_entries:
                value = self._spread(value, own, prefix + name)
            state_dict[f'{prefix}{self.child_name}.{name}'] = value
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _spread(self, value: Tensor, own: Tensor, key: str) -> Tensor:
        """Give a plain layer's values to every modality; leave private values as they are."""
        m, (channels, *rest) = self.num_modalities, own.shape
        plain = (channels // m, *rest)
        if value.shape == own.shape:
            return value
        if value.shape == plain:
            return value.repeat(m, *(1 for _ in rest))
        raise ValueError(
            f'{key}: expected {m} x {_format(plain)} values (one set per modality) or '
            f'{_format(plain)} (a plain layer, loaded into every modality), got '
            f'{_format(value.shape)}: a checkpoint of another number of modalities or of another '
            'width'
        )


def _format(shape: tuple[int, ...]) -> str:
    return ' x '.join(map(str, shape))


def _drop_child_name(
    module: ModalitySpecificLayer, state_dict: dict, prefix: str, local_metadata: dict
) -> None:
    """Store the child's entries under the key names of a plain layer."""
    child = f'{prefix}{module.child_name}.'
    for key in [key for key in state_dict if key.startswith(child)]:
        state_dict[prefix + key[len(child) :]] = state_dict.pop(key)
