import os.path as osp
import zlib
from collections.abc import Iterator, Mapping
from types import ModuleType

import numpy as np

from mmamf.structures.modality import Modality

from .optional_package import optional_package
from .piece import Piece

AXES = 3
ROUNDING = 1e-4  # of entries of an affine, in the unit of the file (mm)


def import_nibabel() -> ModuleType:
    """Import nibabel.

    Raises:
        ImportError: If it is not installed.
    """
    return optional_package('nibabel', 'a NIfTI volume')


class Volume:
    """Registered NIfTI volumes of one body, which are read slice by slice with nibabel.

    A slice is ``array[:, :, k]``: its rows go along the first axis, and its columns along the
    second. Its values are those of the file after its scale and offset, in the ``dtype`` of the
    modality. From a ``.nii`` file, nibabel reads the bytes of one slice. A ``.nii.gz`` file is
    decompressed once from beginning to end, and never kept whole.

    Args:
        files: Modality -> its file; None if it is absent. At least one is there.
        descriptions: Modality -> its description.

    Attributes:
        shape: Number of voxels along the three axes.
        header: Header of the first file.

    Raises:
        FileNotFoundError: If a file does not exist.
        ImportError: If nibabel is not installed.
        ValueError: If a file is no NIfTI file, has other than three axes, or differs from the first
            one in shape or affine.
    """

    def __init__(
        self, files: Mapping[str, str | None], descriptions: Mapping[str, Modality]
    ) -> None:
        self._nibabel = import_nibabel()
        self.files = dict(files)
        self.descriptions = descriptions
        self._images = {name: self._open(file) for name, file in files.items() if file}
        (name, first), *others = self._images.items()
        for other, image in others:
            for what, expected, got in (
                ('shape', first.shape, image.shape),
                ('affine', first.affine, image.affine),
            ):
                if not np.allclose(expected, got, rtol=0, atol=ROUNDING):
                    raise ValueError(
                        f'modalities of one volume differ in {what}: expected {_text(expected)} as '
                        f'in {files[name]} ({name!r}), got {_text(got)} in {files[other]} '
                        f'({other!r})'
                    )
        self.shape, self.header = first.shape, first.header

    def __len__(self) -> int:
        """Count the slices."""
        return self.shape[2]

    def __iter__(self) -> Iterator[Piece]:
        """Yield the slices along the last axis.

        Raises:
            ValueError: If a file is damaged, or the ``dtype`` of its modality cannot hold a value.
        """
        for k in range(len(self)):
            images = {name: self._slice(name, k) if f else None for name, f in self.files.items()}
            places = {name: f'{file}, slice {k}' for name, file in self.files.items()}
            yield Piece(f'slice {k}', images, places)

    def _slice(self, name: str, k: int) -> np.ndarray:
        file, dtype = self.files[name], np.dtype(self.descriptions[name].dtype)
        try:
            values = np.asarray(self._images[name].dataobj[..., k])
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise ValueError(
                f'{file} is corrupt or truncated: slice {k} cannot be read: {error}'
            ) from error
        with np.errstate(invalid='ignore', over='ignore'):
            cast = values.astype(dtype)
        if dtype.kind != 'f' and (cast != values).any():
            raise ValueError(
                f'modality {name!r}: expected values that {dtype} holds, got '
                f'{values[cast != values][0]:g} as {values.dtype} in {file}, slice {k}'
            )
        return np.ascontiguousarray(cast)

    def _open(self, file: str):
        if not osp.isfile(file):
            raise FileNotFoundError(f'volume not found: {file}')
        nibabel = self._nibabel
        try:
            # the file stays open, so that a compressed one is not read from its beginning each time
            image = nibabel.load(file, keep_file_open=True)
        except (nibabel.filebasedimages.ImageFileError, OSError, EOFError, ValueError) as error:
            raise ValueError(
                f'{file}: expected a NIfTI file, which nibabel cannot read as one: {error}'
            ) from error
        if not isinstance(image, nibabel.Nifti1Image):  # also the base class of NIfTI-2
            raise ValueError(f'{file}: expected a NIfTI file, got {type(image).__name__}')
        if len(image.shape) != AXES:
            raise ValueError(
                f'{file}: expected a volume of {AXES} axes, got the shape {image.shape}: write one '
                'file for each sequence or time'
            )
        return image


def _text(value: tuple | np.ndarray) -> str:
    return str(np.round(value, 4).tolist())
