from collections.abc import Mapping

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from mmamf.structures.modality import Modality, check_readable, read_modalities

from .checked_image import load_images
from .missing_readings import describe_missing, find_missing

WHITE = 255.0


@TRANSFORMS.register_module()
class LoadTranslationImages(BaseTransform):
    """Load the registered images of one sample, inputs and target, as pictures of 0..255.

    ``img`` becomes a list of all images in the order of ``modality_paths``. mmagic's Resize,
    FixedCrop, Flip and others treat a list like the frames of a video. So ``keys='img'`` gives all
    images the same transform, whichever domains the data set chooses. A ``.npy`` array of three
    channels is RGB and keeps its order.

    A value v of the file becomes v * scale, or log(1 + v) * scale with ``log=True``, and is clipped
    to 0..255. The authors of `AsymFusion <https://arxiv.org/abs/2108.05009>`_ use the scale
    255 / 11.1 for Taskonomy; with it, depth fills the range of a picture. Our difference from their
    code (https://github.com/yikaiw/CEN): they truncate to integers before resizing, and values
    above 255 wrap around to black.

    A missing reading counts as an ordinary value, as in their code. 65535 in Taskonomy's depth
    becomes 254.8, like a distant point. 0 in other depth maps stays 0, which is black. Resizing
    mixes it with its neighbors, and the loss counts it in a target.

    Required keys: ``modality_paths``, ``descriptions`` (name of each kind of image ->
    :class:`Modality`). Added keys: ``img``, ``domains``, ``ori_shape``.

    Args:
        domains: Name of each kind of image -> its description without name, if the data set gives
            only names. Names that the data set does not use are ignored.
        backend_args: Arguments of the mmengine file backend.

    Shape:
        ``img``: (H, W, C) each, float32; color in RGB order.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a description is wrong or lacking; if a file is damaged, holds NaN or
            infinity, has an unexpected number of channels, dtype or size, or no reading at all; if
            a value is negative with ``log=True``; if a domain is absent.
    """

    def __init__(
        self, domains: Mapping[str, dict] | None = None, backend_args: dict | None = None
    ) -> None:
        if domains is not None and not domains:
            raise ValueError('LoadTranslationImages: expected at least one domain, got none')
        self.domains = None
        if domains is not None:
            self.domains = read_modalities({**domains[name], 'name': name} for name in domains)
            check_pictures(self.domains)
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load the images of one sample, in the order of its ``modality_paths``."""
        paths = results.get('modality_paths')
        if not paths:
            raise ValueError(
                'LoadTranslationImages: expected `modality_paths` with a path per domain, as '
                f'MultimodalTranslationDataset gives, got the keys {sorted(results)}'
            )
        absent = [name for name, path in paths.items() if path is None]
        if absent:
            raise ValueError(
                'LoadTranslationImages: expected a file of every domain, because a translation '
                f'needs all, got no file of {absent}'
            )
        described = self.domains or results.get('descriptions') or {}
        check_pictures(described)
        images = load_images(paths, described, self.backend_args)
        results['img'] = []
        for name, (image, values) in images.items():
            _check_readings(described[name], paths[name], image, values)
            results['img'].append(_picture(described[name], paths[name], image))
        results['domains'] = tuple(images)
        results['ori_shape'] = results['img'][0].shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(domains={self.domains})'


def check_pictures(modalities: Mapping[str, Modality]) -> None:
    """Refuse descriptions of images that cannot become a picture.

    Raises:
        ValueError: If a description has no ``channels`` or ``dtype``, if the number of channels is
            not 1 or 3, or if images are not ``calibrated``: a picture shows numbers as they are.
    """
    check_readable(modalities.values())
    for name, modality in modalities.items():
        if not modality.calibrated:
            raise ValueError(f'modality {name!r}: expected calibrated images in a translation')
        if modality.num_channels not in (1, 3):
            raise ValueError(
                f'modality {name!r}: expected 1 or 3 channels, got {modality.num_channels}'
            )


def _picture(modality: Modality, path: str, image: np.ndarray) -> np.ndarray:
    if image.ndim == 2:
        image = image[:, :, None]
    if modality.is_bgr(path):
        image = image[:, :, ::-1]  # does nothing to one channel
    values = image.astype(np.float32)
    if modality.log:
        if values.min() < 0:
            raise ValueError(
                f'modality {modality.name!r}: expected values >= 0 for log(1 + v), got '
                f'{values.min()} in {path}'
            )
        values = np.log1p(values)
    # flipping in place needs a contiguous array
    return np.ascontiguousarray((values * np.float32(modality.scale)).clip(0, WHITE))


def _check_readings(
    modality: Modality, path: str, image: np.ndarray, values: tuple[float, ...]
) -> None:
    name = modality.name
    if image.dtype.kind == 'f' and not np.isfinite(image).all():
        bad = image.size - np.isfinite(image).sum()
        raise ValueError(
            f'modality {name!r}: expected finite values, because every pixel of a picture counts, '
            f'got NaN or infinity in {bad} of {image.size} values in {path}. Write missing '
            'readings as a finite number'
        )
    if find_missing(image, values).all():
        raise ValueError(
            f'modality {name!r}: expected at least one reading, got only '
            f'{describe_missing(image, values)} in {path}'
        )
