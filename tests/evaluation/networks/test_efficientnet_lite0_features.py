import torch
from skimage import data

from mmamf.evaluation import EfficientNetLite0Features


@torch.no_grad()
def test_knows_a_cat():
    """The weights, the scaling and the order of channels are those of its training."""
    network = EfficientNetLite0Features().eval()
    image = torch.tensor(data.chelsea()).permute(2, 0, 1)[None, :, :, 75:375]
    features = network(image)
    assert features.shape == (1, 1280) and network.name == 'efficientnet_lite0'
    scores = network.backbone._fc(features)[0].softmax(0)
    assert scores[281:286].sum() > 0.5  # the cats of ImageNet
    assert network(image.flip(1)).shape == (1, 1280)
