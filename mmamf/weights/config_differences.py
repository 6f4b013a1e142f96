import inspect
from collections.abc import Collection, Mapping
from typing import Any

from mmengine.registry import DATASETS, MODELS, Registry

from mmamf.structures import Modality

from .file_description import channel_order, describe_files, innermost_dataset, missing_values

_PARTS = ('backbone', 'neck', 'decode_head', 'generator')
_PREPROCESSOR = {'mean': None, 'std': None, 'bgr_to_rgb': False}
_SIDES = ('the checkpoint', 'the config')
# Settings that do not change predictions: they concern training, the source of weights, or memory.
_IRRELEVANT = {
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
_EQUAL = {'SyncBN': 'BN', 'MMSyncBN': 'BN', 'BN2d': 'BN'}  # types that do the same in evaluation
_UNKNOWN = object()
SHOWN = 120  # number of characters shown of a value


def find_differences(trained: Mapping, given: Mapping) -> list[str]:
    """List the differences of two configs that change predictions.

    Args:
        trained: Config of the training.
        given: Config to use with its weights.

    Returns:
        A phrase for each difference, with both values.
    """
    models = [_model(config) for config in (trained, given)]
    datasets = [
        innermost_dataset(trained, 'train_dataloader', 'test_dataloader'),
        innermost_dataset(given, 'test_dataloader', 'train_dataloader'),
    ]
    preprocessors = [model.get('data_preprocessor') or {} for model in models]
    found = _of_modalities(*preprocessors, *datasets)
    for part in _PARTS:
        _compare(f'model.{part}', *(model.get(part) for model in models), found)
    if not preprocessors[1].get('modalities'):  # the preprocessor of a translator has no names
        names = [[*describe_files(dataset)] for dataset in datasets]
        if all(names):
            _compare('test_dataloader.dataset.modalities', *names, found)
    targets = [_name(dataset.get('target')) for dataset in datasets]
    if all(targets):
        _compare('test_dataloader.dataset.target', *targets, found)
    return found + find_file_differences(*datasets, *map(find_reversed, (trained, given)))


def _name(target: Any) -> str | None:
    return target['name'] if isinstance(target, Mapping) else target


def find_reversed(config: Mapping) -> set[str]:
    """Find the modalities whose channel order the data preprocessor of a config reverses."""
    modalities = (_model(config).get('data_preprocessor') or {}).get('modalities') or ()
    return {spec['name'] for spec in modalities if spec.get('bgr_to_rgb')}


def find_file_differences(
    trained: Mapping,
    given: Mapping,
    trained_reversed: Collection[str] = (),
    given_reversed: Collection[str] = (),
    sides: tuple[str, str] = _SIDES,
) -> list[str]:
    """List the differences in how two data sets read their files.

    Args:
        trained: Config of the first data set.
        given: Config of the second data set.
        trained_reversed: Modalities of the first whose channel order is reversed after loading.
        given_reversed: Modalities of the second whose channel order is reversed after loading.
        sides: Names of both in the phrases.

    Returns:
        A phrase for each difference, with both values.
    """
    found = []
    described = [describe_files(dataset) for dataset in (trained, given)]
    for name in (name for name in described[0] if name in described[1]):
        orders = [
            channel_order(trained, name, name in trained_reversed),
            channel_order(given, name, name in given_reversed),
        ]
        channels = [files[name].get('channels') for files in described]
        # _of_modalities names a difference that comes from bgr_to_rgb alone
        differ = (name in trained_reversed) != (name in given_reversed)
        is_named = differ and channels[0] == channels[1]
        if None not in orders and orders[0] != orders[1] and not is_named:
            where = f'modality {name!r}: channels of the files, as the model gets them'
            found.append(_phrase(where, *orders, sides))
        missing = [missing_values(dataset, name) for dataset in (trained, given)]
        if missing[0] != missing[1]:
            found.append(_phrase(f'modality {name!r}: missing values', *missing, sides))
    key = 'reduce_zero_label'
    defaults = [_defaults(dataset.get('type'), DATASETS) for dataset in (trained, given)]
    reduce = [bool(c.get(key, d.get(key))) for c, d in zip((trained, given), defaults)]
    if trained and given and reduce[0] != reduce[1]:
        found.append(_phrase(key, *reduce, sides))
    return found


def _model(config: Mapping) -> Mapping:
    model = config.get('model') or {}
    while isinstance(model.get('module'), Mapping):  # test-time augmentation wraps the model
        model = model['module']
    from mmamf.models.fit_model import fit_model  # imported here, because it imports this package

    try:
        return fit_model(model)
    except ValueError:  # the model does not build; the differences say why
        return model


def _of_modalities(
    trained: Mapping, given: Mapping, trained_data: Mapping, given_data: Mapping
) -> list[str]:
    """Compare how two data preprocessors change the values of their modalities."""
    found = []
    for key, default in _PREPROCESSOR.items():
        pair = (config.get(key, default) for config in (trained, given))
        _compare(f'model.data_preprocessor.{key}', *pair, found)
    _compare('model.data_preprocessor.in_channels', *map(_in_channels, (trained, given)), found)
    theirs, ours = (
        {spec['name']: Modality.of(spec) for spec in config.get('modalities') or ()}
        for config in (trained, given)
    )
    if [*theirs] != [*ours]:
        found.append(_phrase('modalities', [*theirs], [*ours]))
        return found
    for name, known in theirs.items():
        pair = known, ours[name]
        orders = [
            channel_order(dataset, name, modality.bgr_to_rgb)
            for dataset, modality in zip((trained_data, given_data), pair)
        ]
        values = [_values(modality) for modality in pair]
        if orders[0] == orders[1] and orders[0] is not None:  # the network gets the same order
            values = [{**known, 'bgr_to_rgb': None} for known in values]
        if None in (known.fill, ours[name].fill):  # older checkpoints do not have it
            values = [{**known, 'fill': None} for known in values]
        for key in values[0]:
            _compare(f'modality {name!r}: {key}', values[0][key], values[1][key], found)
    return found


def _in_channels(preprocessor: Mapping) -> int:
    """Return the number of channels that the model gets of each modality."""
    widths = [Modality.of(spec).num_channels for spec in preprocessor.get('modalities') or ()]
    return preprocessor.get('in_channels') or max(3, *filter(None, widths), 3)


def _values(modality: Modality) -> dict[str, Any]:
    """List the settings that change a modality's values, with one number per channel."""
    unknown = modality.calibrated and None in (modality.mean, modality.std)
    if unknown or modality.channels is None:  # a translator
        mean, std, fill = modality.mean, modality.std, None
    else:
        (mean, std), fill = modality.statistics, modality.fills
    return dict(
        channels=modality.num_channels,
        mean=mean,
        std=std,
        calibrated=modality.calibrated,
        scale=modality.scale,
        bgr_to_rgb=modality.bgr_to_rgb,
        fill=fill,
    )


def _compare(where: str, trained: Any, given: Any, found: list[str]) -> None:
    if isinstance(trained, Mapping) and isinstance(given, Mapping):
        types = [_type_name(config.get('type')) for config in (trained, given)]
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
    """Make values with the same meaning equal: lists and tuples, and NaN and NaN."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return 'nan' if value != value else value


def _type_name(kind: Any) -> str:
    name = str(getattr(kind, '__name__', kind)).split('.')[-1]
    return _EQUAL.get(name, name)


def _defaults(kind: Any, registry: Registry = MODELS) -> dict[str, Any]:
    """Find the default arguments of a registered class and its parent classes."""
    with registry.switch_scope_and_registry(None) as scoped:
        found = scoped.get(_type_name(kind))
    defaults: dict[str, Any] = {}
    for owner in inspect.getmro(found) if inspect.isclass(found) else ():
        if '__init__' in vars(owner):
            for name, argument in inspect.signature(owner.__init__).parameters.items():
                if argument.default is not argument.empty:
                    defaults.setdefault(name, argument.default)
    return defaults


def _is_for_training(key: str) -> bool:
    return key in _IRRELEVANT or 'drop' in key or key.startswith('loss')


def _is_filled_in(key: str, pair: list) -> bool:
    """Tell whether one config leaves a setting to the model that the other one gives."""
    if key == 'num_modalities':
        return _UNKNOWN in pair
    return key == 'norm_cfg' and any(value in (None, _UNKNOWN) for value in pair)


def _phrase(where: str, trained: Any, given: Any, sides: tuple[str, str] = _SIDES) -> str:
    return f'{where}: {_show(trained)} in {sides[0]}, {_show(given)} in {sides[1]}'


def _show(value: Any) -> str:
    if value is _UNKNOWN:
        return 'nothing'
    text = repr(value)
    return text if len(text) <= SHOWN else f'{text[:SHOWN]}...'
