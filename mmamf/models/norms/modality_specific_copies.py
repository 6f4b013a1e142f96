from torch import Tensor, nn

from ..modality_specific_layer import ModalitySpecificLayer
from ..presence import layer_presence
from .call_copies import call_copies


class ModalitySpecificCopies(ModalitySpecificLayer):
    """M private copies of any norm layer, called one after the other.

    For layers of which M are not one layer over M*C channels, and which have no class of their own
    here: channel-first layer norms, those of the root mean square, and what else libraries define.
    The layer sees the maps of one modality at a time, with that modality's values. It is slower
    than the other private norms, as maps are taken out of the batch and put back.

    Args:
        norm: The layer, its parameters and buffers repeated M times along the first axis.
        num_modalities: Number of modalities M.

    Shape:
        - Input and output: folded maps or tokens (N*M, ...).

    Raises:
        ValueError: If the batch is not a multiple of M, or a checkpoint has another M.
    """

    child_name = 'norm'
    presence = layer_presence()  # set by the backbone, see take_presence

    def __init__(self, norm: nn.Module, num_modalities: int) -> None:
        super().__init__(num_modalities)
        self.norm = norm
        self.private_entries = tuple(name for name, v in norm.state_dict().items() if v.ndim)

    def forward(self, x: Tensor) -> Tensor:
        """Call the layer for every modality, with that modality's values."""
        return call_copies(self.norm, x, self.num_modalities, self.presence)
