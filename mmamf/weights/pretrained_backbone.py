from collections import Counter
from collections.abc import Collection

from torch import nn

from .load_weights import check_finite
from .state_of import tensors_of

# Prefixes that the names of a backbone may have in a whole model.
_PARTS = {'module', '_orig_mod', 'model', 'backbone', 'encoder', 'net'}


def accept_whole_models(backbone: nn.Module) -> None:
    """Let a single backbone load its weights from a checkpoint of a whole model.

    ``init_cfg=dict(type='Pretrained', checkpoint=...)`` passes all names of the file to the
    backbone. mmengine alone would find no matching name, and continue with random weights.

    Args:
        backbone: The backbone.
    """
    backbone._register_load_state_dict_pre_hook(_take_own, with_module=True)


def _take_own(backbone: nn.Module, state_dict: dict, prefix: str, *args) -> None:
    """Keep only the weights of the backbone, under its own names.

    Raises:
        ValueError: If the checkpoint has no weights of the backbone, or a value is not finite.
    """
    if prefix:  # the whole model is being loaded, and this is a part of it
        return
    state = tensors_of(state_dict)
    own = set(backbone.state_dict())
    start = _find_start(state, own)
    state = {name[len(start) :]: v for name, v in state.items() if name.startswith(start)}
    check_finite(state, f'the checkpoint of {type(backbone).__name__}')
    state_dict.clear()
    state_dict.update(state)


def _find_start(names: Collection[str], own: set[str]) -> str:
    """Find the most common prefix of the backbone's names."""
    starts = Counter(
        name[: len(name) - len(rest)] for name in names for rest in _endings(name) if rest in own
    )
    known = {s: n for s, n in starts.items() if set(s.split('.')[:-1]) <= _PARTS}
    if known:
        return max(known, key=lambda start: (known[start], -len(start)))
    hint = ''
    if starts:
        prefix = starts.most_common(1)[0][0]
        hint = f"; init_cfg=dict(..., prefix='{prefix}') would find some of the names"
    raise ValueError(
        f'Pretrained: expected a checkpoint of the backbone, with names like {sorted(own)[:2]}, or '
        'of a whole model, with "backbone." before these names; got one with names like '
        f'{list(names)[:3]}{hint}'
    )


def _endings(name: str) -> list[str]:
    parts = name.split('.')
    return ['.'.join(parts[index:]) for index in range(len(parts))]
