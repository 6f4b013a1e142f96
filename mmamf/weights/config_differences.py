import inspect
from collections.abc import Mapping
from typing import Any

from mmengine.registry import MODELS

_PARTS = ('backbone', 'neck', 'decode_head', 'generator')
_PREPROCESSOR = {'in_channels': 3, 'mean': None, 'std': None, 'bgr_to_rgb': False}
_MODALITY = {'channels': None, 'mean': None, 'std': None, 'scale': 1.0, 'bgr_to_rgb': False}
_DATASET = ('modalities', 'target')
# What matters in training alone, or only where weights come from or how memory is saved.
_NO_MATTER = {
    'ignore_index',
    'init_cfg',
    'pretrained',
    'requires_grad',
    'norm_eval',
    'frozen_stages',
    'sampler',
    'with_cp',
    'zero_init_residual',
}
_SAME = {'SyncBN': 'BN', 'MMSyncBN': 'BN', 'BN2d': 'BN'}  # in evaluation
_UNKNOWN = object()
SHOWN = 120  # characters of a value


def find_differences(trained: Mapping, given: Mapping) -> list[str]:
    """List in what two configs differ, of all that predictions depend on.

    Args:
        trained: Config of the training.
        given: Config to use its weights with.

    Returns:
        A phrase for each, with both values.
    """
    ours, theirs = _model(given), _model(trained)
    found = _of_modalities(
        theirs.get('data_preprocessor') or {}, ours.get('data_preprocessor') or {}
    )
    for part in _PARTS:
        _compare(f'model.{part}', theirs.get(part), ours.get(part), found)
    names, used = _dataset(trained), _dataset(given)
    for key in _DATASET:  # a translator's preprocessor knows no names
        if names.get(key) and used.get(key) and not ours.get('data_preprocessor', {}).get(key):
            _compare(f'test_dataloader.dataset.{key}', names[key], used[key], found)
    return found


def _model(config: Mapping) -> Mapping:
    model = config.get('model') or {}
    while isinstance(model.get('module'), Mapping):  # inside test-time augmentation
        model = model['module']
    return model


def _dataset(config: Mapping) -> Mapping:
    dataset = (config.get('test_dataloader') or {}).get('dataset') or {}
    while 'datasets' in dataset or 'dataset' in dataset:
        dataset = dataset['datasets'][0] if 'datasets' in dataset else dataset['dataset']
    return dataset


def _of_modalities(trained: Mapping, given: Mapping) -> list[str]:
    """Compare what data preprocessors do to the values."""
    found = []
    for key, default in _PREPROCESSOR.items():
        pair = (config.get(key, default) for config in (trained, given))
        _compare(f'model.data_preprocessor.{key}', *pair, found)
    theirs, ours = ({s['name']: s for s in c.get('modalities') or ()} for c in (trained, given))
    if [*theirs] != [*ours]:
        found.append(_phrase('modalities', [*theirs], [*ours]))
        return found
    for name, spec in theirs.items():
        for key, default in _MODALITY.items():
            pair = (known.get(key, default) for known in (spec, ours[name]))
            _compare(f'modality {name!r}: {key}', *pair, found)
        if 'fill' in spec and 'fill' in ours[name]:  # older checkpoints do not say
            _compare(f'modality {name!r}: fill', spec['fill'], ours[name]['fill'], found)
    return found


def _compare(where: str, trained: Any, given: Any, found: list[str]) -> None:
    if isinstance(trained, Mapping) and isinstance(given, Mapping):
        types = [_short(config.get('type')) for config in (trained, given)]
        if types[0] != types[1]:
            found.append(_phrase(where, trained, given))
            return
        defaults = _defaults(types[0])
        for key in sorted({*trained, *given} - {'type'}, key=str):
            pair = [config.get(key, defaults.get(key, _UNKNOWN)) for config in (trained, given)]
            if not (_is_for_training(str(key)) or _is_filled_in(str(key), pair)):
                _compare(f'{where}.{key}', *pair, found)
    elif _are_lists_of_parts(trained, given):
        for index, pair in enumerate(zip(trained, given)):
            _compare(f'{where}[{index}]', *pair, found)
    elif _plain(trained) != _plain(given):
        found.append(_phrase(where, trained, given))


def _are_lists_of_parts(*values: Any) -> bool:
    lists = all(isinstance(value, list | tuple) for value in values)
    if not lists or len({len(value) for value in values}) > 1:
        return False
    return any(isinstance(item, Mapping) for item in values[0])


def _plain(value: Any) -> Any:
    """Make what means the same equal: lists and tuples, NaN and itself."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return 'nan' if value != value else value


def _short(kind: Any) -> str:
    name = str(getattr(kind, '__name__', kind)).split('.')[-1]
    return _SAME.get(name, name)


def _defaults(kind: str) -> dict[str, Any]:
    """Find the defaults of a registered class, and of those that it hands its arguments on to."""
    with MODELS.switch_scope_and_registry(None) as registry:
        found = registry.get(kind)
    defaults: dict[str, Any] = {}
    for owner in inspect.getmro(found) if inspect.isclass(found) else ():
        if '__init__' in vars(owner):
            for name, argument in inspect.signature(owner.__init__).parameters.items():
                if argument.default is not argument.empty:
                    defaults.setdefault(name, argument.default)
    return defaults


def _is_for_training(key: str) -> bool:
    return key in _NO_MATTER or 'drop' in key or key.startswith('loss')


def _is_filled_in(key: str, pair: list) -> bool:
    """Tell whether one side leaves to the model what the other spells out."""
    if key == 'num_modalities':
        return _UNKNOWN in pair
    return key == 'norm_cfg' and any(value in (None, _UNKNOWN) for value in pair)


def _phrase(where: str, trained: Any, given: Any) -> str:
    return f'{where}: {_show(trained)} in the checkpoint, {_show(given)} in the config'


def _show(value: Any) -> str:
    if value is _UNKNOWN:
        return 'nothing'
    text = repr(value)
    return text if len(text) <= SHOWN else f'{text[:SHOWN]}...'
