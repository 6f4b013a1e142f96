import torch.nn as nn

from ..modality_specific_layer import ModalitySpecificLayer


class ModalitySpecificNorm(ModalitySpecificLayer):
    """Base of the layers that normalize every modality with its own parameters and statistics.

    See :class:`ModalitySpecificLayer` for how they work and for checkpoints.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to the torch layer.

    Shape:
        - Input and output: folded maps (N*M, C, H, W).
    """

    child_name = 'norm'
    private_entries = ('weight', 'bias', 'running_mean', 'running_var')
    norm_class: type[nn.Module]

    def __init__(self, num_features: int, num_modalities: int, **kwargs) -> None:
        super().__init__(num_modalities)
        self.num_features = num_features
        self.norm = self.norm_class(num_features * num_modalities, **kwargs)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        if f'{prefix}bn_0.weight' in state_dict:
            raise ValueError(
                f"{prefix}bn_0.weight: this is a checkpoint in the authors' format, "
                'convert it first with tools/convert_checkpoint.py'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)
