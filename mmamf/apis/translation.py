"""Translation of new images, from Python."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.model import BaseModel
from mmengine.registry import MODELS, DefaultScope

from mmamf.datasets.file_formats import build_lazily
from mmamf.visualization import picture_of
from mmamf.weights import check_config, load_all_weights, read_checkpoint


def init_translator(
    config: str | Path | Config,
    checkpoint: str | Path,
    device: str | None = None,
    allow_different_config: bool = False,
) -> BaseModel:
    """Build a trained translation model.

    Args:
        config: The config that the model was trained with, or its file; the ``dataset`` of its
            ``test_dataloader`` is a MultimodalTranslationDataset.
        checkpoint: File of its weights.
        device: Where it runs; by default on the GPU if there is one.
        allow_different_config: Whether the config may contradict the one inside the checkpoint.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If it cannot be read, its weights are not those of the model or not finite, or
            the config contradicts the one inside.
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

    They go through the test pipeline of the model's config, and must be of the kind that it loads.

    Args:
        model: What :func:`init_translator` returned.
        images: Modality -> file, or array in the units of such a file; color in RGB order.

    Shape:
        - images: (H, W), or (H, W, 3) for color.
        - Output: (h, w, 3), RGB, uint8, in the size that the pipeline gives the model.

    Raises:
        ValueError: If the modalities are not those of the model, or an image is of another kind
            than the pipeline loads.
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
        paths = {name: _as_file(name, images[name], directory) for name in dataset.modalities}
        data = dataset.pipeline(dict(modality_paths=paths, descriptions=dataset.descriptions))
    with torch.no_grad():
        (sample,) = model.test_step(pseudo_collate([data]))
    return picture_of(sample.fake_img)


def _scope(config: Config) -> str:
    return config.get('default_scope') or 'mmagic'


def _as_file(name: str, image: np.ndarray | str | Path, directory: str) -> str:
    """Write an array to a file, which the pipeline loads and checks like any other."""
    if isinstance(image, str | Path):
        return str(image)
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f'modality {name!r}: expected a str, Path or numpy array, got {type(image).__name__}'
        )
    path = Path(directory, f'{name}.npy')
    np.save(path, image)
    return str(path)
