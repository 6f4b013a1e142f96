from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor

# Where trainers keep the weights, first those of a whole training.
_PLACES = ('state_dict', 'model', 'model_state_dict', 'state_dict_ema', 'model_ema', 'module')
# What wrappers put before every name: DataParallel, other trainers, torch.compile.
_WRAPPERS = ('module.', 'model.', '_orig_mod.')
_COUNTER = 'n_averaged'  # of torch's AveragedModel


def state_of(content: Mapping) -> OrderedDict:
    """Take the weights out of a checkpoint, under the names that the model itself has.

    Args:
        content: A checkpoint: the weights themselves, or a dict of a trainer around them, with or
            without what DataParallel, ``torch.compile`` or an average over time put before names.

    Returns:
        Name -> tensor.
    """
    state = tensors_of(content)
    while prefix := next((p for p in _WRAPPERS if _is_before_all(p, state)), None):
        state = _with_versions(state, {n.removeprefix(prefix): v for n, v in state.items()})
    return state


def tensors_of(content: Mapping) -> OrderedDict:
    """Take the weights out of a checkpoint, under the names that they have there.

    Args:
        content: As of :func:`state_of`.
    """
    content = entries_of(content)
    tensors = {n: v for n, v in content.items() if isinstance(v, Tensor) and n != _COUNTER}
    return _with_versions(content, tensors)


def entries_of(content: Mapping) -> Mapping:
    """Find the dict in a checkpoint that has the weights, perhaps among others.

    Args:
        content: As of :func:`state_of`.
    """
    for place in _PLACES:
        if isinstance(content.get(place), Mapping):
            return entries_of(content[place])
    return content


def _is_before_all(prefix: str, state: Mapping) -> bool:
    return bool(state) and all(name.startswith(prefix) for name in state)


def _with_versions(content: Mapping, tensors: dict) -> OrderedDict:
    state = OrderedDict(tensors)
    if hasattr(content, '_metadata'):  # tells torch how old the layers are
        state._metadata = content._metadata
    return state
