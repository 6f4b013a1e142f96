"""Turns the images of one sample into what a segmentor takes, and into pictures."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

import numpy as np

from mmamf.datasets.transforms.checked_image import load_image, select_bands
from mmamf.structures.modality import Modality
from mmamf.visualization.colors import colorize_image

from .match_inputs import Image, as_file
from .segmentor import Segmentor


@contextmanager
def as_files(
    images: Mapping[str, Image | None], descriptions: Mapping[str, Modality]
) -> Iterator[dict[str, str | None]]:
    """Write arrays into files, so that a pipeline loads and checks them like any other.

    Args:
        images: Modality -> its image; None if it is absent. Color arrays are in RGB order.
        descriptions: Modality -> its description.

    Returns:
        Modality -> its file. The files of arrays exist within the ``with`` block only.
    """
    with ExitStack() as stack:
        paths, directory = {}, None
        for name, image in images.items():
            modality = descriptions[name]
            if isinstance(image, np.ndarray):
                directory = directory or stack.enter_context(TemporaryDirectory())
                if image.shape[2:] == (3,) and modality.is_bgr(modality.suffix):
                    # arrays are loaded as they are, and its files have BGR order
                    image = image[..., ::-1]
                image = as_file(name, image, directory)
            paths[name] = image
        yield paths


def load_sample(
    segmentor: Segmentor, name: str, paths: Mapping[str, str | None], optional: Collection[str] = ()
) -> dict:
    """Run the test pipeline of a segmentor on the files of one sample.

    Args:
        segmentor: The segmentor.
        name: Name of the sample.
        paths: Modality -> its file; None if it is absent.
        optional: Modalities that may have no reading at all.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is damaged or does not match its description.
    """
    first = next(path for path in paths.values() if path is not None)
    data = dict(modality_paths=dict(paths), img_path=first, sample_name=name)
    data.update(seg_fields=[], optional=tuple(optional), descriptions=segmentor.descriptions)
    return segmentor.pipeline(data)


def picture_of_image(modality: Modality, image: Image | None) -> np.ndarray | None:
    """Turn an image into a picture.

    Args:
        modality: Its description.
        image: A file, or an array with color in RGB order; None if it is absent.

    Shape:
        - Output: (H, W, 3), RGB, uint8.
    """
    if image is None:
        return None
    if isinstance(image, str):
        values, missing = load_image(image, modality)
        return colorize_image(values, missing, modality.is_bgr(image))
    return colorize_image(select_bands(image, modality.bands), modality.missing, bgr=False)
