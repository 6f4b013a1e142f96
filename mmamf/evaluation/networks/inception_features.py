import torch
from mmengine.registry import MODELS
from torch import nn

from ..find_weights import find_weights

# the Inception v3 of 2015-12-05, which defines FID, converted from TensorFlow
URL = (
    'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/'
    'pt_inception-2015-12-05-6726825d.pth'
)
FIDELITY_NAME = 'weights-inception-2015-12-05-6726825d.pth'  # the same file, from torch-fidelity


@MODELS.register_module()
class InceptionFeatures(nn.Module):
    """The 2048 features of the standard Inception network, from which FID and KID are computed.

    `GANs Trained by a Two Time-Scale Update Rule <https://arxiv.org/abs/1706.08500>`_.
    torch-fidelity provides the network. It also resizes to 299 x 299 pixels like TensorFlow 1.

    Args:
        weights: The file ``pt_inception-2015-12-05-6726825d.pth`` of pytorch-fid, or the identical
            file ``weights-inception-2015-12-05-6726825d.pth`` of torch-fidelity. None looks for
            both in the cache of ``torch.hub``.

    Shape:
        - images: (N, 3, H, W), uint8, RGB
        - output: (N, 2048)

    Raises:
        FileNotFoundError: If the file does not exist; it is never downloaded.
        ValueError: If it is another file.
    """

    def __init__(self, weights: str | None = None) -> None:
        super().__init__()
        path = find_weights(weights, URL, (FIDELITY_NAME,))
        from torch_fidelity import FeatureExtractorInceptionV3  # an optional package

        self.network = FeatureExtractorInceptionV3(
            'inception-v3-compat', ['2048'], feature_extractor_weights_path=str(path)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the features."""
        return self.network(images)[0]
