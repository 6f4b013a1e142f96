import logging
from pathlib import Path
from types import SimpleNamespace

from mmcv.cnn.bricks import DropPath
from mmengine.registry import MODELS
from mmengine.utils import to_2tuple
from torch import Tensor, nn
from torch.nn.init import trunc_normal_

from .checkout import Source, build_from

WIDTHS = {'mit_b0': 256, 'mit_b2': 512}  # of the decoder: SegFormer-B0's; their config for B2
SOURCE = Source(
    url='https://github.com/huaaaliu/RGBX_Semantic_Segmentation',
    file='models/builder.py',
    name='EncoderDecoder',
    packages=('models', 'utils'),
    stand_ins={
        # they take three things from timm, at a place that newer versions do not have
        'timm.models.layers': dict(
            DropPath=DropPath, to_2tuple=to_2tuple, trunc_normal_=trunc_normal_
        ),
        # theirs removes the handlers of all other loggers
        'engine.logger': dict(get_logger=lambda: logging.getLogger('CMX')),
    },
)


@MODELS.register_module()
class CMX(nn.Module):
    """CMX with a SegFormer encoder and its MLP decoder, from a checkout of the authors' code.

    `CMX: Cross-Modal Fusion for RGB-X Semantic Segmentation with Transformers
    <https://arxiv.org/abs/2203.04838>`_. Weights are random; nothing is downloaded.

    Args:
        checkout: Folder with their repository.
        encoder: 'mit_b2', their smallest published one, or 'mit_b0', which their code has, too.
        num_classes: Number of classes K.

    Shape:
        - Input: (N, 2*3, H, W), RGB and depth stacked along channels, depth as three channels.
        - Output: logits (N, K, H, W).

    Raises:
        FileNotFoundError: If there is no such checkout.
        ValueError: If the encoder is another one, or the checkout has other code than expected.
    """

    def __init__(
        self, checkout: str | Path, encoder: str = 'mit_b2', num_classes: int = 40
    ) -> None:
        super().__init__()
        if encoder not in WIDTHS:
            raise ValueError(f'encoder: expected one of {[*WIDTHS]}, got {encoder!r}')
        settings = SimpleNamespace(
            backbone=encoder,
            decoder='MLPDecoder',
            decoder_embed_dim=WIDTHS[encoder],
            num_classes=num_classes,
            pretrained_model=None,
            bn_eps=1e-3,
            bn_momentum=0.1,
        )
        self.network = build_from(checkout, SOURCE, cfg=settings)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits."""
        return self.network(*x.chunk(2, dim=1))
