from collections.abc import Iterator, Sequence

from mmengine.config import Config

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def select_modalities(config: Config, names: Sequence[str]) -> None:
    """Reduce a segmentation config to some of its modalities, in place.

    The data preprocessor, ``num_modalities`` and ``bands`` of the model, the data sets and
    ``ModalityDropout`` keep only these modalities, in the order of the config. Transforms of a
    removed ``modality``, such as ``DepthHoles``, are removed, too.

    Args:
        config: The config.
        names: Names of the modalities to keep.

    Raises:
        ValueError: If a name is unknown or repeated, or the config is not for segmentation with
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
            _cut(part, chosen)
    for key in ('tta_pipeline', 'test_pipeline', 'train_pipeline'):
        for part in _dicts([config.get(key) or []]):
            _cut(part, chosen)
        if config.get(key):
            config[key] = _fit(config[key], chosen)


def _cut(part: dict, chosen: list[str]) -> None:
    """Reduce a data set, a pipeline or a transform to the chosen modalities."""
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
        part['pipeline'] = _fit(part['pipeline'], chosen)


def _fit(pipeline: list[dict], chosen: list[str]) -> list[dict]:
    """Remove the transforms of other modalities."""
    return [step for step in pipeline if step.get('modality', chosen[0]) in chosen]


def _dicts(value: object) -> Iterator[dict]:
    """Yield every dict in a config value, including the value itself."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _dicts(item)
