import numpy as np
from mmcv.transforms.utils import cache_randomness
from mmengine.registry import TRANSFORMS
from mmseg.datasets.transforms import RandomCrop


@TRANSFORMS.register_module()
class ClassBalancedCrop(RandomCrop):
    """Crop a sample around a pixel of a random class, so that crops show rare classes often.

    First it draws one of the classes of the label map, each with the same chance. Then it draws a
    pixel of this class, and a crop that contains the pixel. A sample without a labeled pixel gets
    any crop. mmengine's ClassBalancedDataset repeats whole images with rare classes; this is for
    classes that are small in most images.

    `nnU-Net <https://doi.org/10.1038/s41592-020-01008-z>`_ does it for a third of its crops, and
    places the pixel in the center.

    Args:
        crop_size: (H, W) of the crop. A smaller image is not padded, as in mmseg's RandomCrop.
        ignore_index: Value of the pixels without a class.

    Shape:
        (H, W) -> (min(H, crop_size[0]), min(W, crop_size[1])).
    """

    def __init__(self, crop_size: int | tuple[int, int], ignore_index: int = 255) -> None:
        super().__init__(crop_size, ignore_index=ignore_index)

    @cache_randomness
    def crop_bbox(self, results: dict) -> tuple[int, int, int, int]:
        """Draw the crop: its first and last row, and its first and last column, ends excluded."""
        label = results['gt_seg_map']
        classes = np.flatnonzero(np.bincount(label.ravel()))
        classes = classes[classes != self.ignore_index]
        if not len(classes):
            return super().crop_bbox(results)
        pixels = np.flatnonzero(label == np.random.choice(classes))
        pixel = np.unravel_index(np.random.choice(pixels), label.shape)
        bounds = [_draw(*sides) for sides in zip(pixel, self.crop_size, label.shape)]
        return (*bounds[0], *bounds[1])


def _draw(place: int, length: int, side: int) -> tuple[int, int]:
    """Draw where a crop starts and ends along one side, so that it contains a place."""
    first, last = max(0, place - length + 1), max(0, min(place, side - length))
    start = np.random.randint(first, last + 1)
    return start, start + length
