from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmseg.models.decode_heads.ham_head import Hamburger
from torch import nn

from ..datasets.nested_datasets import build_lazily
from ..weights import check_config, load_all_weights, read_checkpoint


def load_segmentor(
    config: Config, checkpoint: str | Path, allow_different_config: bool = False
) -> nn.Module:
    """Build the model of a config and load all of its weights, for evaluation on the CPU.

    Args:
        config: The config that the model was trained with.
        checkpoint: File with its weights.
        allow_different_config: Whether to continue with a warning if the config contradicts the
            training config, which mmengine writes into the checkpoint.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If it cannot be read, its weights do not fit the model or are not finite, or the
            config contradicts the training config.
    """
    content = read_checkpoint(checkpoint)
    with DefaultScope.overwrite_default_scope(config.get('default_scope') or 'mmseg'):
        check_config(content, config, checkpoint, _classes(config), allow_different_config)
        model = MODELS.build(config.model)
    load_all_weights(model, content, checkpoint)
    return model.eval()


def fix_random_bases(model: nn.Module) -> list[str]:
    """Let SegNeXt's head start from the same bases in every call, in place.

    LightHamHead is trained with ``rand_init=True``: it draws new bases in every call, in tests too.
    So its predictions differ a little each time, and no two programs agree. After this function the
    bases are still arbitrary, but fixed.

    Args:
        model: The model.

    Returns:
        Names of the modules that were changed.
    """
    changed = []
    for name, module in model.named_modules():
        if isinstance(module, Hamburger) and module.ham.rand_init:
            ham, channels = module.ham, module.ham_in.conv.out_channels
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                bases = ham._build_bases(1, ham.S, channels // ham.S, ham.R, device='cpu')
            ham.register_buffer('bases', bases.to(next(module.parameters()).device))
            ham.rand_init = False
            changed.append(name)
    return changed


def _classes(config: Config) -> tuple[str, ...] | None:
    if config.get('test_dataloader') is None:
        return None
    return build_lazily(config.test_dataloader.dataset).metainfo.get('classes')
