import logging
from collections.abc import Iterator, Sequence

from mmengine.config import Config
from mmengine.logging import print_log

COLOR_ONLY = 'PhotoMetricDistortion'  # it changes the first modality, which must be 8-bit color
RESIZING = ('Resize', 'RandomResize', 'RandomChoiceResize', 'RandomScale', 'ResizeToMultiple')
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def select_modalities(config: Config, names: Sequence[str]) -> None:
    """Change a segmentation config, in place, into one for some of its modalities.

    The data preprocessor, ``num_modalities`` and ``bands`` of the model, the data sets and
    ``ModalityDropout`` are cut to those modalities, which keep the order of the config. Transforms
    of a ``modality`` that goes, such as ``DepthHoles``, go with it. Where
    another modality becomes the first, the pipelines change with it, and a line in the log says so:
    ``PhotoMetricDistortion`` goes if it is not 8-bit color; resizing becomes nearest neighbor if it
    has missing readings.

    Args:
        config: The config.
        names: Names of the modalities to keep.

    Raises:
        ValueError: If a name is unknown or repeated, or the config is not of a segmentation of
            named modalities.
    """
    preprocessor = config.get('model', {}).get('data_preprocessor') or {}
    specs = preprocessor.get('modalities')
    if not isinstance(specs, list) or any('name' not in spec for spec in specs):
        raise ValueError(
            '--modalities: expected a config with model.data_preprocessor.modalities, a list of '
            f'dict(name=..., ...), got {specs!r}'
        )
    known = [spec['name'] for spec in specs]
    if not names or len(set(names)) < len(names) or not set(names) <= set(known):
        raise ValueError(f'--modalities: expected some of {known}, each once, got {list(names)}')
    kept = [index for index, name in enumerate(known) if name in names]
    described = _find_descriptions(config, specs)
    for part in _dicts(config.model):
        if part.get('num_modalities') == len(known):
            part['num_modalities'] = len(kept)
        if isinstance(part.get('bands'), list | tuple):
            part['bands'] = [part['bands'][index] for index in kept]
            preprocessor['in_channels'] = max(part['bands'])
    preprocessor['modalities'] = [specs[index] for index in kept]
    chosen = [known[index] for index in kept]
    for key in LOADERS:
        for part in _dicts(config.get(key) or {}):
            _cut(part, chosen, described)
    for key in ('tta_pipeline', 'test_pipeline', 'train_pipeline'):
        for part in _dicts([config.get(key) or []]):
            _cut(part, chosen, described)
        if config.get(key):
            config[key] = _fit(config[key], chosen, described)


def _find_descriptions(config: Config, specs: list[dict]) -> dict[str, dict]:
    """Find what is said of each modality, be it in the data preprocessor or where it is loaded."""
    found = {spec['name']: dict(spec) for spec in specs}
    loading = (p for key in LOADERS for p in _dicts(config.get(key) or {}))
    for part in loading:
        if part.get('type') == 'LoadMultimodalImages':
            for name, spec in (part.get('modalities') or {}).items():
                found.setdefault(name, {}).update(spec)
    return found


def _cut(part: dict, chosen: list[str], described: dict[str, dict]) -> None:
    """Cut a data set, a pipeline or a transform to the chosen modalities."""
    if isinstance(part.get('modalities'), list | tuple):
        part['modalities'] = [
            one
            for one in part['modalities']
            if (one['name'] if isinstance(one, dict) else one) in chosen
        ]
    if isinstance(part.get('optional'), list | tuple):
        part['optional'] = [name for name in part['optional'] if name in chosen]
    if part.get('type') == 'ModalityDropout':
        part['prob'] = {name: prob for name, prob in part['prob'].items() if name in chosen}
    if isinstance(part.get('pipeline'), list):
        part['pipeline'] = _fit(part['pipeline'], chosen, described)


def _fit(pipeline: list[dict], chosen: list[str], described: dict[str, dict]) -> list[dict]:
    """Leave out the transforms of other modalities, and fit the rest to the first one."""
    first = chosen[0]
    spec = described[first]
    steps = [step for step in pipeline if step.get('modality', first) in chosen]
    if (spec.get('channels'), spec.get('dtype')) != (3, 'uint8'):
        colored, steps = steps, [step for step in steps if step.get('type') != COLOR_ONLY]
        if len(steps) < len(colored):
            _say(f'{COLOR_ONLY} is left out, as {first!r} is not 8-bit color')
    if spec.get('missing') is not None:
        for step in _dicts(steps):
            if step.get('type') in RESIZING and step.get('interpolation') != 'nearest':
                step['interpolation'] = 'nearest'
                _say(f'{step["type"]} takes the nearest pixel, as {first!r} has missing readings')
    return steps


def _say(text: str) -> None:
    print_log(f'--modalities: {text}', logger='current', level=logging.INFO)


def _dicts(value: object) -> Iterator[dict]:
    """Yield every dict inside a config value, itself included."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _dicts(item)
