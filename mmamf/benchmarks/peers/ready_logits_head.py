from mmengine.registry import MODELS
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn


@MODELS.register_module()
class ReadyLogitsHead(BaseDecodeHead):
    """Decode head without parameters, for a network that makes logits itself.

    The network takes the place of the backbone in mmseg's EncoderDecoder, which then trains it with
    the losses of this head.

    Args:
        num_classes: Number of classes K.
        **kwargs: Further arguments of mmseg's BaseDecodeHead, such as ``loss_decode``.

    Shape:
        - Input and output: logits (N, K, h, w).
    """

    def __init__(self, num_classes: int, **kwargs) -> None:
        super().__init__(
            in_channels=num_classes,
            channels=num_classes,
            num_classes=num_classes,
            dropout_ratio=0,
            init_cfg=None,
            **kwargs,
        )
        self.conv_seg = nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits as they are."""
        return inputs
