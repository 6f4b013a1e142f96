import numpy as np
from mmcv.transforms import BaseTransform, RandomFlip
from mmseg.datasets.transforms import RandomMosaic, RandomRotate, RandomRotFlip

from .load_multimodal_images import image_key, is_present
from .missing_readings import find_missing, mark_missing
from .random_draws import random_state, restore, same_draws
from .stock_geometry import COPIES, FILLS, TellingRotFlip, with_settings
from .turn_normals import flip, rotation, turn_normals

FILLED_CHANNELS = 4  # OpenCV fills borders of at most 4 channels at once


class EachModality(BaseTransform):
    """Run a stock geometric transform once for each modality, with one random draw for all.

    The transform sees one modality at a time, as ``img``. Each time it starts from the same random
    state of numpy and Python. The label map has its own run with the settings of the config.

    A modality is resized with the interpolation of its description. Pixels that the transform fills
    become missing readings. A pixel that would be interpolated from a missing reading or a filled
    pixel takes the value of the nearest pixel instead. A second run, on a map of the missing
    readings, finds these pixels. An interpolated image marks its missing readings by NaN.
    Rotations and mosaics use linear or nearest interpolation.

    Vectors of a normal map turn with the picture. After interpolation they get unit length again.

    :class:`MultimodalSegDataset` wraps the transforms of its pipeline automatically.

    Required and changed keys: those of :class:`LoadMultimodalImages` and of the transform.

    Args:
        transform: The stock transform.
    """

    def __init__(self, transform: BaseTransform) -> None:
        if type(transform) is RandomRotFlip:
            transform = TellingRotFlip(transform.rotate_prob, transform.flip_prob, transform.degree)
        self.step = transform
        self.copies = isinstance(transform, COPIES)
        self.fills = isinstance(transform, FILLS)
        self.mosaic = isinstance(transform, RandomMosaic)
        if hasattr(transform, 'get_indices'):  # MultiImageMixDataset asks for it
            self.get_indices = transform.get_indices

    def transform(self, results: dict) -> dict:
        """Move all modalities and the label map of one sample."""
        samples = [results, *results.get('mix_results', ())]
        start = random_state()
        known = self._move_labels(samples)
        end = random_state()
        restore(start)
        blank = known.pop('img')
        size = blank.shape[:2]
        turn = self._find_turn(known)
        results = {**results, **known, 'seg_fields': results['seg_fields'], 'img_shape': size}
        for key in ('pad_shape', 'ori_shape') if self.mosaic else ('pad_shape',):
            if key in known:  # some give the shape of an image of one channel
                results[key] = size
        markers = {}
        for name in results['modalities']:
            key = image_key(results, name)
            if any(is_present(sample, name) for sample in samples):
                results[key], markers[name] = self._move(samples, name, blank, turn)
            else:
                results[key] = np.zeros((*size, *results[key].shape[2:]), results[key].dtype)
        results['missing_values'] = {**results['missing_values'], **markers}
        results['present'] = tuple(markers)
        restore(end)
        return results

    def _move_labels(self, samples: list[dict]) -> dict:
        """Run the transform as configured, on a blank image and the label maps."""
        views = []
        for sample in samples:
            images = [image_key(sample, name) for name in sample['modalities']]
            view = {k: v for k, v in sample.items() if k not in (*images, 'mix_results')}
            fields = [key for key in sample['seg_fields'] if key not in images]
            views.append({**view, 'img': self._blank(sample), 'seg_fields': fields})
        return self._run(views)

    def _find_turn(self, known: dict) -> np.ndarray | None:
        """Return the matrix that turns the picture; None if it is not turned."""
        if isinstance(self.step, RandomFlip):
            return flip(known['flip_direction']) if known['flip'] else None
        if isinstance(self.step, RandomRotate):
            with same_draws():
                rotated, degree = self.step.generate_degree()
            return rotation(degree) if rotated else None
        return known.pop('turn', None)

    def _move(
        self, samples: list[dict], name: str, blank: np.ndarray, turn: np.ndarray | None
    ) -> tuple[np.ndarray, float | None]:
        """Return the moved image of a modality, and the marker of its missing readings."""
        modality = samples[0]['descriptions'][name]
        images = [sample[image_key(sample, name)] for sample in samples]
        marker = samples[0]['missing_values'].get(name)
        nearest = modality.resizing == 'nearest'
        copied = self.copies or (nearest and not self.fills)
        missing = None
        if self.copies:  # the blank image numbers its pixels, which shows where they come from
            width = images[0].shape[1]
            rows, columns = blank[:, 0, 0] // width, blank[0, :, 0] % width
            image = images[0][_as_slice(rows), _as_slice(columns)]
        elif copied:
            _, image = self._run_both(samples, None, images)
        else:
            holes = [_find_holes(sample, name) for sample in samples]
            image, missing = self._interpolate(samples, images, holes, modality.resizing)
        same_values = copied or (nearest and not self.mosaic)
        if modality.turns:
            stretch = not copied and not nearest and self._has_mixed(images[0], image, turn)
            if stretch or turn is not None:
                same_values = False
                if copied:
                    missing = find_missing(image, () if marker is None else (marker,))
                path = samples[0]['modality_paths'][name] or modality.suffix
                image = turn_normals(image, modality, path, turn, stretch)
        if not same_values:  # a new value may equal the old marker of missing readings
            marker = None
        return (image, marker) if missing is None else mark_missing(image, missing, marker)

    def _has_mixed(self, before: np.ndarray, after: np.ndarray, turn: np.ndarray | None) -> bool:
        """Tell whether the transform has mixed pixels. It must be one that can."""
        if self.fills and not self.mosaic:  # not even a turn by 90 degrees mixes
            return turn is not None and bool((turn % 1).any())
        return before.shape != after.shape

    def _interpolate(
        self,
        samples: list[dict],
        images: list[np.ndarray],
        holes: list[np.ndarray],
        interpolation: str,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Interpolate between readings only.

        Returns:
            The image and a mask of its missing readings, or None if it has none.
        """
        dtype = np.result_type(*images)  # some images of a mosaic may have become floats
        images = [image.astype(dtype, copy=False) for image in images]
        smooth = None if interpolation == 'nearest' else images
        if not self.fills and not any(hole.any() for hole in holes):
            image, _ = self._run_both(samples, smooth, None, interpolation)
            return image, None
        smooth, nearest = self._run_both(samples, smooth, images, interpolation)
        spoiled = None
        if smooth is not None:
            # NaN spreads to all pixels that depend on a missing reading or a filled pixel
            spoiled = [np.where(hole, np.float32(np.nan), np.float32(0)) for hole in holes]
        masks = [hole.astype(np.uint8) for hole in holes]
        spoiled, gone = self._run_both(samples, spoiled, masks, interpolation, np.nan)
        image = nearest if smooth is None else np.where(np.isnan(spoiled), nearest, smooth)
        return image, gone == 1

    def _run_both(
        self,
        samples: list[dict],
        smooth: list[np.ndarray] | None,
        nearest: list[np.ndarray] | None,
        interpolation: str = 'nearest',
        fill: float = 0,
    ) -> list[np.ndarray | None]:
        """Move the images ``smooth`` by interpolation, and ``nearest`` like a label map.

        Either may be None. The transform fills ``smooth`` with ``fill`` and ``nearest`` with 1.
        """
        given = smooth or nearest
        channels = 1 if given[0].ndim == 2 else given[0].shape[2]
        # a mosaic takes label maps of one channel
        most = 1 if self.mosaic else FILLED_CHANNELS if self.fills else channels
        parts = []
        for first in range(0, channels, most):
            views = []
            for i, sample in enumerate(samples):
                view = _without_arrays(sample)
                view['img'] = self._blank(sample)
                view['seg_fields'] = ['gt_seg_map'] if nearest else []
                for key, images in (('img', smooth), ('gt_seg_map', nearest)):
                    if images:
                        part = np.atleast_3d(images[i])[..., first : first + most]
                        view[key] = np.ascontiguousarray(part[..., 0] if self.mosaic else part)
                views.append(view)
            with same_draws():
                moved = self._run(views, interpolation, fill if smooth else 0, 1)
            parts.append([moved['img'], moved.get('gt_seg_map')])
        both = []
        for images, moved in zip((smooth, nearest), zip(*parts)):
            if images:
                moved = [np.atleast_3d(part) for part in moved]
                moved = np.concatenate(moved, axis=2) if len(moved) > 1 else moved[0]
                moved = moved if images[0].ndim == 3 else moved[..., 0]
            both.append(moved if images else None)
        return both

    def _run(
        self,
        views: list[dict],
        interpolation: str = 'nearest',
        fill: float = 0,
        label_fill: int | None = None,
    ) -> dict:
        """Run the transform with other settings on the first view; the others are mixed in."""
        view, *mixed = views
        if mixed:
            view['mix_results'] = mixed
        shapes = [view[key].shape if key in view else () for key in ('img', 'gt_seg_map')]
        image, label = (shape[2] if len(shape) == 3 else 1 for shape in shapes)
        if label_fill is not None:
            label_fill = (label_fill,) * label
        step = with_settings(self.step, interpolation, (fill,) * image, label_fill)
        moved = step(view)
        moved.pop('mix_results', None)
        return moved

    def _blank(self, sample: dict) -> np.ndarray:
        """Make a small stand-in for the sample's image. It numbers its pixels if ``copies`` is set.

        Shape:
            (H, W, 1), or (H, W) for a mosaic.
        """
        height, width = sample['img'].shape[:2]
        if self.copies:
            return np.arange(height * width, dtype=np.int32).reshape(height, width, 1)
        return np.zeros((height, width) if self.mosaic else (height, width, 1), np.uint8)

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.step})'


def _as_slice(indices: np.ndarray) -> slice:
    first, last = int(indices[0]), int(indices[-1])
    return slice(first, last + 1) if first <= last else slice(first, last - 1 if last else None, -1)


def _find_holes(sample: dict, name: str) -> np.ndarray:
    image, marker = sample[image_key(sample, name)], sample['missing_values'].get(name)
    if not is_present(sample, name):
        return np.ones(image.shape, bool)
    holes = find_missing(image, () if marker is None else (marker,))
    if sample['descriptions'][name].turns:  # a vector needs all its components
        holes[:] = holes.any(-1, keepdims=True)
    return holes


def _without_arrays(sample: dict) -> dict:
    """Leave out what a run on one image must not change, and what is expensive to copy."""
    return {
        key: value
        for key, value in sample.items()
        if not isinstance(value, np.ndarray) and key not in ('mix_results', 'descriptions')
    }
