from pathlib import Path

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from ..datasets.file_formats import build_lazily
from ..weights import check_config, load_all_weights, read_checkpoint


def load_segmentor(
    config: Config, checkpoint: str | Path, allow_different_config: bool = False
) -> nn.Module:
    """Build the model of a config and load all of its weights, for evaluation on the CPU.

    Args:
        config: The config that the model was trained with.
        checkpoint: File of its weights.
        allow_different_config: Whether to go on, with a warning, where the config contradicts the
            one of the training, which mmengine writes into a checkpoint.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, the weights are not those of the model or not finite, or
            the config contradicts that of the training.
    """
    content = read_checkpoint(checkpoint)
    with DefaultScope.overwrite_default_scope(config.get('default_scope') or 'mmseg'):
        check_config(content, config, checkpoint, _classes(config), allow_different_config)
        model = MODELS.build(config.model)
    load_all_weights(model, content, checkpoint)
    return model.eval()


def _classes(config: Config) -> tuple[str, ...] | None:
    if config.get('test_dataloader') is None:
        return None
    return build_lazily(config.test_dataloader.dataset).metainfo.get('classes')
