import torch
from mmseg.models.decode_heads.ham_head import Hamburger
from torch import nn


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
