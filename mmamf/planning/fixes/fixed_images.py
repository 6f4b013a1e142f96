from pathlib import Path

import numpy as np

from ..findings.odd_files import find_other_unit, find_swapped
from ..findings.pairs import SURE, is_far
from ..prints.file_prints import ImagePrint
from ..prints.fingerprint import Fingerprint
from ..prints.mixed_files import most
from ..prints.stored_image import read_bands
from ..samples.found_data import FoundData
from .geometry import fit, move, upright


class FixedImages:
    """Mends the images of one modality.

    Args:
        data: The samples.
        fingerprint: What their files contain.
        name: The modality.
    """

    def __init__(self, data: FoundData, fingerprint: Fingerprint, name: str) -> None:
        summary = fingerprint.modalities[name]
        self.name = name
        self.dtype = np.dtype(most(summary.dtypes))
        self.channels = most(summary.channels)
        self.swapped = set(find_swapped(fingerprint, name)) if summary.colored else set()
        self.factors = find_other_unit(fingerprint, name) if summary.kind == 'depth' else {}
        self.hole = next((v for v in summary.missing if v == v), 0.0)
        self.exact = summary.kind in ('depth', 'edge')  # values that must not be mixed
        offset = fingerprint.offsets.get(name)
        self.offset = offset if offset and offset.certainty >= SURE and is_far(offset) else None

    def is_clean(self, image: ImagePrint, size: tuple[int, int]) -> bool:
        """Tell whether a file needs no change."""
        return (
            image.orientation == 1
            and image.size == size
            and image.dtype == self.dtype.name
            and len(image.bands) == self.channels
            and image.path not in self.swapped
            and image.path not in self.factors
            and self.offset is None
        )

    def mend(self, source: Path, image: ImagePrint, size: tuple[int, int]) -> np.ndarray:
        """Read one file, and turn, convert, scale, cut and move its image.

        Returns:
            The image, colors in RGB order.

        Raises:
            ValueError: If its values or channels cannot be converted.
        """
        values = read_bands(source)
        values = upright(values, image.orientation)
        if image.path in self.swapped:
            values = values[..., ::-1]
        values = self._as_usual(values, image.path)
        values = fit(values, size, nearest=self.exact)
        return values if self.offset is None else move(values, self.offset, self.hole, self.exact)

    def _as_usual(self, values: np.ndarray, path: str) -> np.ndarray:
        channels = 1 if values.ndim == 2 else values.shape[2]
        if channels == 1 < self.channels:
            values = np.repeat(values.reshape(*values.shape[:2], 1), self.channels, 2)
        elif self.channels == 1 < channels and (values == values[..., :1]).all():
            values = values[..., 0]
        elif (self.channels, channels) == (3, 4):
            values = values[..., :3]
        elif channels != self.channels:
            raise ValueError(
                f'{path}: expected {self.channels} channel(s) as in most files of {self.name!r}, '
                f'got {channels}: remove the file, or convert it'
            )
        if path in self.factors:
            values = values * self.factors[path]
        if values.dtype == self.dtype:
            return values
        if self.dtype.kind in 'iu':
            limits = np.iinfo(self.dtype)
            values = np.nan_to_num(np.rint(values), nan=self.hole)
            if values.min() < limits.min or values.max() > limits.max:
                raise ValueError(
                    f'{path}: expected values that {self.dtype} can hold, as most files of '
                    f'{self.name!r} have, got {values.min():g} to {values.max():g}'
                )
        return values.astype(self.dtype)
