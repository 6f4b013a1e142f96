"""What the backbones that share their weights between modalities have in common."""

from collections.abc import Sequence


def fill_in_num_modalities(key: str, layer_cfg: dict, num_modalities: int) -> dict:
    """Tell a modality-specific layer the number of modalities.

    Args:
        key: Name of the config, for the error.
        layer_cfg: Config of a convolution or a norm; of a shared layer, it is returned as it is.
        num_modalities: Number of modalities M.

    Raises:
        ValueError: If the layer is for another M.
    """
    if not str(layer_cfg['type']).split('.')[-1].startswith('ModalitySpecific'):
        return layer_cfg
    if layer_cfg.get('num_modalities', num_modalities) != num_modalities:
        raise ValueError(
            f'{key} is for {layer_cfg["num_modalities"]} modalities, '
            f'the backbone for {num_modalities}'
        )
    return {**layer_cfg, 'num_modalities': num_modalities}


def check_fusion_stages(stages: Sequence[int], num_stages: int) -> None:
    """Check that the stages to be fused exist.

    Args:
        stages: The stages, counted from 0.
        num_stages: How many there are.

    Raises:
        ValueError: If one does not.
    """
    for stage in stages:
        if not 0 <= stage < num_stages:
            raise ValueError(f'fusion_stages must lie in 0..{num_stages - 1}, got {tuple(stages)}')
