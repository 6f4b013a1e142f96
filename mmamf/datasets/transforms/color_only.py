import numpy as np
from mmcv.transforms import BaseTransform

from mmamf.structures.modality import Modality

from .load_multimodal_images import image_key, is_present
from .missing_readings import find_missing, mark_missing
from .random_draws import random_state, restore


class ColorOnly(BaseTransform):
    """Run a stock photometric transform on the 8-bit color pictures of a sample only.

    All its color pictures share one random draw. Missing readings stay missing; they are NaN after
    the transform. Other modalities and absent ones stay as they are.

    :class:`MultimodalSegDataset` wraps the transforms of its pipeline automatically.

    Required and changed keys: those of :class:`LoadMultimodalImages`.

    Args:
        transform: The stock transform.

    Raises:
        ValueError: If it returns another shape.
    """

    def __init__(self, transform: BaseTransform) -> None:
        self.step = transform

    def transform(self, results: dict) -> dict:
        """Change the colors of one sample."""
        start = random_state()
        markers = dict(results['missing_values'])
        for name, modality in results['descriptions'].items():
            if is_color(modality) and is_present(results, name):
                restore(start)
                key = image_key(results, name)
                results[key], markers[name] = self._change(results[key], markers[name])
        results['missing_values'] = markers
        return results

    def _change(self, image: np.ndarray, marker: float | None) -> tuple[np.ndarray, float | None]:
        holes = find_missing(image, () if marker is None else (marker,))
        colors = np.where(holes, 0, image) if holes.any() else image.copy()
        changed = self.step(dict(img=colors.astype(np.uint8, copy=False)))['img']
        if changed.shape != image.shape:
            raise ValueError(
                f'{type(self.step).__name__}: expected an image of shape {image.shape}, as before, '
                f'got {changed.shape}; keep the number of channels'
            )
        if changed.dtype != np.uint8:
            changed = changed.round().clip(0, 255).astype(np.uint8)
        # a new color may equal the old marker of missing readings, so NaN marks them now
        return mark_missing(changed, holes, None)

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.step})'


def is_color(modality: Modality) -> bool:
    """Tell whether a modality is an 8-bit color picture.

    Args:
        modality: Its description.
    """
    return (modality.kind, modality.num_channels, modality.dtype) == ('image', 3, 'uint8')
