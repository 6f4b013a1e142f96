"""Extracts the network of one modality from a trained model.

The extracted network has ``num_modalities=1`` and no fusion, and its private layers have the values
of the chosen modality. It predicts what the model predicts for samples that have only this
modality. At a fusion point, the modality keeps its own maps where it received others before; with
exchange dropout, its weights were trained for that, too.
"""

from typing import Any

from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from mmseg.registry import MODELS as MMSEG_MODELS
from torch import Tensor, nn

from ..models import FusionOperator, ModalityEnsembleHead
from ..models.convs import BandedConv
from ..models.fit_model import fit_model
from ..models.modality_specific_layer import ModalitySpecificLayer
from ..models.norms.part_statistics import PART_STATISTICS
from ..models.segmentors.sensor_guard import SensorGuard
from ..structures import Modality

_PRIVATE = 'ModalitySpecific'
_OF_SHARING = ('num_modalities', 'fusion', 'fusion_stages', 'fused_blocks', 'bands')
_OF_INIT = ('init_cfg', 'pretrained')


def single_modality_model(model: nn.Module, config: dict, modality: str) -> nn.Module:
    """Build the segmentor of one modality with the weights of a trained multimodal one.

    Args:
        model: The trained segmentor.
        config: Config of the model (``cfg.model``).
        modality: Name of the modality to keep.

    Raises:
        ValueError: If the model has no such modality.
    """
    index = find_modality(model, modality)
    bands = getattr(model.backbone, 'bands', None)
    config = single_modality_config(fit_model(config), modality)
    config.get('test_cfg', {}).pop('guard', None)  # nothing can be left out
    if bands:  # with bands, its first convolution is a plain one
        config['data_preprocessor']['in_channels'] = bands[index]
        config['backbone'] = _for_channels(config['backbone'], bands[index])
    single = MODELS.build(ConfigDict(config))
    single.load_state_dict(_state_of_one_modality(model, index))
    return single.eval()


def stock_backbone(single: nn.Module, config: dict) -> tuple[dict, nn.Module]:
    """Turn the backbone of a model for one modality into a backbone of mmseg.

    Args:
        single: The result of :func:`single_modality_model`.
        config: Config of the backbone in the multimodal model.

    Returns:
        The config of mmseg's backbone, and the backbone.

    Raises:
        ValueError: If mmseg has no such backbone.
    """
    kind, state = config['type'].split('.')[-1], single.backbone.state_dict()
    if config.get('bands'):
        config = _for_channels(config, single.data_preprocessor.in_channels)
    if kind == 'SharedMultimodalResNet':
        config = {key: value for key, value in config.items() if key not in _OF_SHARING}
        config['type'] = 'ResNet'
    elif kind == 'SharedMultimodalBackbone':
        config = config['backbone']
        state = single.backbone.backbone.state_dict()
    else:
        raise ValueError(
            'backbone: expected SharedMultimodalResNet or SharedMultimodalBackbone, got '
            f'{config["type"]}'
        )
    config = {key: value for key, value in config.items() if key not in _OF_INIT}
    config = _of_shared_layers(config)
    backbone = MMSEG_MODELS.build(config)
    backbone.load_state_dict(state)
    backbone.eval()  # a line of its own, because mmseg's returns None
    return config, backbone


def find_modality(model: nn.Module, modality: str) -> int:
    """Find the index of a modality in a segmentor.

    Raises:
        ValueError: If the model has no such modality.
    """
    names = getattr(model.data_preprocessor, 'modalities', ())
    if modality not in names:
        raise ValueError(f'modality: expected one of {tuple(names)}, got {modality!r}')
    return names.index(modality)


def find_fusion_points(model: nn.Module) -> dict[str, str]:
    """Find the points where modalities exchange: name of the operator -> its type."""
    return {
        name: type(module).__name__
        for name, module in model.named_modules()
        if isinstance(module, FusionOperator) and module.num_modalities > 1
    }


def single_modality_config(config: Any, modality: str | None = None) -> Any:
    """Turn the config of a model, or of a part of it, into the config for one modality.

    Args:
        config: The config.
        modality: Name of the modality to keep; None for the widest.
    """
    if isinstance(config, list | tuple):
        return type(config)(single_modality_config(item, modality) for item in config)
    if not isinstance(config, dict):
        return config
    changed = {key: single_modality_config(value, modality) for key, value in config.items()}
    if 'num_modalities' in config:
        changed['num_modalities'] = 1
    if 'fusion' in config:
        changed['fusion'] = None
    if _is_fusion(config.get('neck')):
        changed['neck'] = None
    if modality is None and config.get('bands'):  # bands of the widest modality
        changed['bands'] = [max(config['bands'])]
    preprocessor = config.get('data_preprocessor') or {}
    if modality is None and preprocessor.get('modalities'):
        described = preprocessor['modalities']
        widest = max(described, key=lambda spec: Modality.of(spec).num_channels)
        changed['data_preprocessor'] = {**preprocessor, 'modalities': [widest]}
    if modality is not None and 'modalities' in config:
        changed['modalities'] = [spec for spec in config['modalities'] if spec['name'] == modality]
    return changed


def _for_channels(backbone: dict, channels: int) -> dict:
    """Turn the config of a backbone with bands into one for this number of channels."""
    backbone = {key: value for key, value in backbone.items() if key != 'bands'}
    if 'backbone' in backbone:
        return {**backbone, 'backbone': {**backbone['backbone'], 'in_channels': channels}}
    return {**backbone, 'in_channels': channels}


def _is_fusion(neck: dict | None) -> bool:
    found = neck and MODELS.get(neck['type'])  # None for necks of mmseg, which has its own registry
    return found is not None and issubclass(found, FusionOperator)


def _state_of_one_modality(model: nn.Module, index: int) -> dict[str, Tensor]:
    state = model.state_dict()
    for name, module in model.named_modules():
        for part, whole in PART_STATISTICS.items():  # a lone modality is normalized by these
            if f'{name}.{part}' in state:
                state[f'{name}.{whole}'] = state.pop(f'{name}.{part}')
        if isinstance(module, ModalitySpecificLayer):
            for key in (f'{name}.{entry}' for entry in module.private_entries):
                if key in state:
                    state[key] = state[key].chunk(module.num_modalities)[index]
        elif isinstance(module, BandedConv):
            state = {key: state[key] for key in state if not key.startswith(f'{name}.')}
            for entry, value in module.of_modality(index).state_dict().items():
                state[f'{name}.{entry}'] = value
        elif isinstance(module, ModalityEnsembleHead):
            state[f'{name}.alpha'] = state[f'{name}.alpha'][index : index + 1]
            if module.temperature is not None:  # the ensemble of one modality is its prediction
                state[f'{name}.temperature'] = module.temperature[[1 + index] * 2]
        elif isinstance(module, FusionOperator | SensorGuard):
            state = {key: state[key] for key in state if not key.startswith(f'{name}.')}
    return state


def _of_shared_layers(config: Any) -> Any:
    """Replace every modality-specific layer in a config by the plain layer."""
    if isinstance(config, list | tuple):
        return type(config)(_of_shared_layers(item) for item in config)
    if not isinstance(config, dict):
        return config
    changed = {key: _of_shared_layers(value) for key, value in config.items()}
    kind = str(config.get('type')).split('.')[-1]
    if kind.startswith(_PRIVATE):
        changed['type'] = kind.removeprefix(_PRIVATE)
        changed.pop('num_modalities', None)
    return changed
