from pathlib import Path

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import load_checkpoint
from torch import nn


def load_segmentor(config: Config, checkpoint: str | Path) -> nn.Module:
    """Build the model of a config and load all of its weights, for evaluation on the CPU.

    Args:
        config: The config that the model was trained with.
        checkpoint: File of its weights.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the weights are not those of the model.
    """
    if not Path(checkpoint).is_file():
        raise FileNotFoundError(f'{checkpoint}: there is no such checkpoint')
    with DefaultScope.overwrite_default_scope(config.get('default_scope') or 'mmseg'):
        model = MODELS.build(config.model)
    try:
        load_checkpoint(model, str(checkpoint), map_location='cpu', strict=True)
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint}: expected the weights of the model in the config: {error}'
        ) from error
    return model.eval()
