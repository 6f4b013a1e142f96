from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmseg.models.decode_heads.ham_head import Hamburger
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


def fix_random_bases(model: nn.Module, seed: int = 0) -> list[str]:
    """Let SegNeXt's head start from the same bases in every call, in place.

    With ``rand_init=True``, as it is trained, LightHamHead draws anew in every call, in tests too:
    it predicts a little differently each time, and no two programs predict the same. Which bases
    it starts from is as arbitrary afterwards, but fixed.

    Args:
        model: The model.
        seed: Seed of the bases.

    Returns:
        Names of the modules that were changed.
    """
    changed = []
    for name, module in model.named_modules():
        if isinstance(module, Hamburger) and module.ham.rand_init:
            ham, channels = module.ham, module.ham_in.conv.out_channels
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                bases = ham._build_bases(1, ham.S, channels // ham.S, ham.R, device='cpu')
            ham.register_buffer('bases', bases.to(next(module.parameters()).device))
            ham.rand_init = False
            changed.append(name)
    return changed


def _classes(config: Config) -> tuple[str, ...] | None:
    if config.get('test_dataloader') is None:
        return None
    return build_lazily(config.test_dataloader.dataset).metainfo.get('classes')
