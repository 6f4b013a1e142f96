"""Translates new images, from Python."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.model import BaseModel
from mmengine.registry import MODELS, DefaultScope

from mmamf.datasets.nested_datasets import build_lazily
from mmamf.visualization import picture_of
from mmamf.weights import check_config, load_all_weights, read_checkpoint

from .match_inputs import as_file, check_image


def init_translator(
    config: str | Path | Config,
    checkpoint: str | Path,
    device: str | None = None,
    allow_different_config: bool = False,
) -> BaseModel:
    """Build a trained translation model.

    Args:
        config: The config of the training, or its file. The ``dataset`` of its ``test_dataloader``
            must be a MultimodalTranslationDataset.
        checkpoint: File of the weights.
        device: Device of the model; by default the GPU if there is one.
        allow_different_config: Whether the config may contradict the one in the checkpoint.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If it cannot be read, its weights do not fit the model or are not finite, or the
            config contradicts the one in the checkpoint.
    """
    if not isinstance(config, Config):
        config = Config.fromfile(config)
    content = read_checkpoint(checkpoint)
    with DefaultScope.overwrite_default_scope(_scope(config)):
        check_config(content, config, checkpoint, allow_different=allow_different_config)
        model = MODELS.build(config.model)
    load_all_weights(model, content, checkpoint)
    model.cfg = config
    return model.to(device or get_device()).eval()


def translate(model: BaseModel, images: dict[str, np.ndarray | str | Path]) -> np.ndarray:
    """Translate images of one scene into the ensemble's picture.

    The images go through the test pipeline of the model's config and must match its descriptions.

    Args:
        model: A model from :func:`init_translator`.
        images: Modality -> file, or array in the units of such a file. Color is in RGB order.

    Shape:
        - images: (H, W), or (H, W, 3) for color.
        - Output: (h, w, 3), RGB, uint8, in the image size after the pipeline.

    Raises:
        ValueError: If the modalities differ from the model's, or an image does not match its
            description.
        FileNotFoundError: If a file does not exist.
        TypeError: If an image is neither a path nor an array.
    """
    with DefaultScope.overwrite_default_scope(_scope(model.cfg)):
        dataset = build_lazily(model.cfg.test_dataloader.dataset)
    if set(images) != set(dataset.modalities):
        raise ValueError(
            f'images: expected one for each of the modalities {tuple(dataset.modalities)}, '
            f'got {tuple(images)}'
        )
    with (
        DefaultScope.overwrite_default_scope(_scope(model.cfg)),
        TemporaryDirectory() as directory,
    ):
        paths = {
            name: as_file(name, check_image(name, images[name]), directory)
            for name in dataset.modalities
        }
        data = dataset.pipeline(dict(modality_paths=paths, descriptions=dataset.descriptions))
    with torch.no_grad():
        (sample,) = model.test_step(pseudo_collate([data]))
    return picture_of(sample.fake_img)


def _scope(config: Config) -> str:
    return config.get('default_scope') or 'mmagic'
