import torch
from torch import Tensor, nn

from .loop_resnet import LoopResNet


class LoopSegmentor(nn.Module):
    """A LoopResNet, a decode head that is called once per modality, and their ensemble.

    Args:
        backbone: The encoder.
        head: Decode head for one modality; the modalities share it.

    Shape:
        - Input: (N, M*3, H, W), the modalities stacked along channels.
        - Output: logits of the ensemble (N, K, h, w).
    """

    def __init__(self, backbone: LoopResNet, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.alpha = nn.Parameter(torch.ones(backbone.num_modalities))

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of every modality, and their weighted sum."""
        pyramid = self.backbone(x)
        members = [self.head([level[m] for level in pyramid]) for m in range(len(self.alpha))]
        return sum(weight * logits for weight, logits in zip(self.alpha.softmax(0), members))
