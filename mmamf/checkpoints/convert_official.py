from collections.abc import Mapping

from ..datasets import NYUDv2Dataset, SUNRGBDDataset
from .convert_official_segmentation import convert_official_segmentation
from .convert_official_translation import convert_official_translation
from .official_state import StateDict

_CLASSIFIER = 'decode_head.head.conv_seg.weight'
_DATASETS = (NYUDv2Dataset, SUNRGBDDataset)  # the paper's data sets for segmentation


def convert_official(checkpoint: Mapping) -> StateDict:
    """Convert a checkpoint of one of the authors' networks to one of ours.

    The names of the norms tell which network it is: in translation networks they start with
    ``insnorm``.

    Args:
        checkpoint: A state dict of the segmentation network, the generator or the discriminator;
            see :func:`convert_official_segmentation` and :func:`convert_official_translation`.

    Returns:
        The state dict of our network.

    Raises:
        ValueError: If it is not a checkpoint of the authors; the message lists missing, left-over
            and misshapen entries.
    """
    if any('.insnorm' in key for key in checkpoint):
        return convert_official_translation(checkpoint)
    return convert_official_segmentation(checkpoint)


def describe_official(state: StateDict) -> dict:
    """Make the ``meta`` of a converted checkpoint, which mmseg's ``init_model`` reads.

    A checkpoint of the authors does not name its classes, but their number tells the data set.

    Args:
        state: The result of :func:`convert_official`.

    Returns:
        ``dict(dataset_meta=dict(classes=..., palette=...))``. It is empty for a translation
        network, and for a number of classes that no data set of the paper has.
    """
    num_classes = len(state.get(_CLASSIFIER, ()))
    for dataset in _DATASETS:
        if len(dataset.METAINFO['classes']) == num_classes:
            return dict(dataset_meta=dict(dataset.METAINFO))
    return {}
