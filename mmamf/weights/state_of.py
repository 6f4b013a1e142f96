from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor

# Keys under which trainers store the weights; those of a whole training come first.
_PLACES = ('state_dict', 'model', 'model_state_dict', 'state_dict_ema', 'model_ema', 'module')
# Prefixes that wrappers put before every name: DataParallel, other trainers, torch.compile.
_WRAPPERS = ('module.', 'model.', '_orig_mod.')
_COUNTER = 'n_averaged'  # a counter in torch's AveragedModel


def state_of(content: Mapping) -> OrderedDict:
    """Take the weights from a checkpoint, under the names of the model itself.

    Args:
        content: A checkpoint: the weights themselves, or a trainer's dict around them. The names
            may have the prefixes of DataParallel, ``torch.compile`` or averaged models.

    Returns:
        Name -> tensor.
    """
    state = tensors_of(content)
    while prefix := next((p for p in _WRAPPERS if _is_before_all(p, state)), None):
        state = _with_versions(state, {n.removeprefix(prefix): v for n, v in state.items()})
    return state


def tensors_of(content: Mapping) -> OrderedDict:
    """Take the weights from a checkpoint, under the names of the checkpoint.

    Args:
        content: A checkpoint, see :func:`state_of`.
    """
    content = entries_of(content)
    tensors = {n: v for n, v in content.items() if isinstance(v, Tensor) and n != _COUNTER}
    return _with_versions(content, tensors)


def entries_of(content: Mapping) -> Mapping:
    """Find the dict in a checkpoint that has the weights. It may also have other entries.

    Args:
        content: A checkpoint, see :func:`state_of`.
    """
    for place in _PLACES:
        if isinstance(content.get(place), Mapping):
            return entries_of(content[place])
    return content


def _is_before_all(prefix: str, state: Mapping) -> bool:
    return bool(state) and all(name.startswith(prefix) for name in state)


def _with_versions(content: Mapping, tensors: dict) -> OrderedDict:
    state = OrderedDict(tensors)
    if hasattr(content, '_metadata'):  # tells torch the versions of the layers
        state._metadata = content._metadata
    return state
