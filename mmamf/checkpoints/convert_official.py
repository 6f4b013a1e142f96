from collections.abc import Mapping

from .convert_official_segmentation import convert_official_segmentation
from .convert_official_translation import convert_official_translation
from .official_state import StateDict


def convert_official(checkpoint: Mapping) -> StateDict:
    """Turn a checkpoint of one of the authors' networks into one of ours.

    The norms' names tell the networks apart: those of the translation networks start with
    ``insnorm``.

    Args:
        checkpoint: A state dict of the segmentation network, the generator or the discriminator;
            see :func:`convert_official_segmentation` and :func:`convert_official_translation`.

    Returns:
        The state dict of our network.

    Raises:
        ValueError: If it is no checkpoint of theirs, with the list of missing, left-over and
            misshapen entries.
    """
    if any('.insnorm' in key for key in checkpoint):
        return convert_official_translation(checkpoint)
    return convert_official_segmentation(checkpoint)
