"""The one description of a modality. Everything from the file to the network reads it."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from mmamf.ensemble import ENSEMBLE

# OpenCV resizes images of these dtypes, so geometric transforms work on every modality.
DTYPES = ('uint8', 'uint16', 'int16', 'float32', 'float64')
# Files may also hold these dtypes. They are read as the dtype on the right, with unchanged values.
READ_AS = dict(
    bool='uint8', int8='int16', float16='float32', int32='float32', uint32='float32',
    int64='float32', uint64='float32',
)  # fmt: skip
KINDS = ('image', 'depth', 'normal', 'normal_y_down', 'edge')
INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')
# Samples have keys `modality_<name>`, and scalars `<name>/mIoU`: these names have a meaning there.
RESERVED = ('paths', ENSEMBLE, 'img_path', 'seg_map_path')

Numbers = float | Sequence[float]
Missing = Literal['nan'] | float | Sequence[Literal['nan'] | float]


@dataclass(frozen=True)
class Modality:
    """One description of a modality: its files, its values, and how transforms treat it.

    A config gives it once. The data set, the transforms, the data preprocessor, the inferencer, the
    exported graph and the tools all read it. The model counts the modalities and their channels
    itself.

    Args:
        name: A word of letters, digits and underscores.
        channels: Number of channels of its files, or a list of the channels to take. The list
            counts from 0 in the order of the file (red, green, blue in a picture).
        dtype: Data type of its files: 'uint8', 'uint16', 'int16', 'float32' or 'float64'. Files of
            bool are read as 'uint8', and files of int8 as 'int16'. Files of float16 and of longer
            integers are read as 'float32', if it holds their values exactly.
        folder: Folder of its files below ``data_root``; the name by default.
        suffix: End of its file names.
        missing: Value in the file that means "no reading", or a list of such values. NaN, infinity
            and the nodata value of a TIFF always mean it. NaN may be named as 'nan', because
            mmengine cannot read float('nan') back from a config that it has saved.
        valid_range: Smallest and largest reading. A value outside is a missing reading.
        scale: Factor from the file's numbers to units, such as 0.001 from millimeters to meters.
        mean: Mean of the readings in units: one number, or one per channel in the order after
            ``bgr_to_rgb``.
        std: Standard deviation of the readings, given like the mean.
        calibrated: Whether a number means the same in all files. If it does not, as in MRI or with
            automatic gain, each image is normalized when it is loaded, each channel by the mean and
            standard deviation of its own readings. Then there is no ``mean``, ``std`` or ``fill``.
        fill: Value that replaces a missing reading, in units of the file; the mean by default.
        bgr_to_rgb: Whether the network gets colors as RGB. OpenCV reads pictures as BGR.
        interpolation: How it is resized: 'nearest', 'bilinear', 'bicubic', 'area' or 'lanczos'. By
            default 'nearest' for depth, and 'bilinear' for all others.
        optional: Whether a sample may lack it.
        kind: What it shows: 'image' (also thermal and other bands), 'depth', 'edge', 'normal' or
            'normal_y_down'. The last two are surface normals, which turn with the picture: x points
            to the right, y points up ('normal') or down ('normal_y_down'). Their x, y and z are in
            red, green and blue, or in the order of a list of ``channels``. Integers from 0 to 255
            mean -1 to 1; floats are taken as they are.
        log: Whether a translation takes log(1 + value) before ``scale``.

    Raises:
        ValueError: If a value is not possible.
    """

    name: str
    channels: int | Sequence[int] | None = None
    dtype: str | None = None
    folder: str | None = None
    suffix: str = '.png'
    missing: Missing | None = None
    valid_range: Sequence[float] | None = None
    scale: float = 1.0
    mean: Numbers | None = None
    std: Numbers | None = None
    calibrated: bool = True
    fill: Numbers | None = None
    bgr_to_rgb: bool = False
    interpolation: str | None = None
    optional: bool = False
    kind: str = 'image'
    log: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.kind not in KINDS:
            self._refuse(f'kind to be one of {KINDS}', self.kind)
        if self.channels is not None:
            self._check_channels()
        if self.dtype is not None and self.dtype not in DTYPES:
            read_as = READ_AS.get(str(self.dtype))
            hint = f' ({self.dtype} is read as {read_as})' if read_as else ''
            self._refuse(f'dtype to be one of {DTYPES}{hint}', self.dtype)
        if self.interpolation not in (None, *INTERPOLATIONS):
            self._refuse(f'interpolation to be one of {INTERPOLATIONS}', self.interpolation)
        object.__setattr__(self, 'missing', _read_nan(self.missing))
        self._check_missing()
        self._check_numbers()

    @classmethod
    def of(cls, spec: 'Mapping | Modality') -> 'Modality':
        """Read a description from a config.

        Raises:
            ValueError: If it has no name, an unknown key or an impossible value.
        """
        if isinstance(spec, cls):
            return spec
        if not isinstance(spec, Mapping) or 'name' not in spec:
            raise ValueError(f'modality: expected dict(name=..., channels=..., ...), got {spec!r}')
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(spec) - set(known))
        if unknown:
            raise ValueError(
                f'modality {spec["name"]!r}: expected the keys {", ".join(known)}, got {unknown}'
            )
        return cls(**spec)

    @property
    def bands(self) -> tuple[int, ...] | None:
        """Indices of the channels that are taken from a file; None takes all."""
        return None if self.channels is None or type(self.channels) is int else (*self.channels,)

    @property
    def num_channels(self) -> int | None:
        """Number of channels."""
        return self.channels if self.bands is None else len(self.bands)

    @property
    def missing_values(self) -> tuple[float, ...]:
        """The values of ``missing`` as a tuple."""
        return listed(self.missing)

    @property
    def resizing(self) -> str:
        """Interpolation that resizes it."""
        return self.interpolation or ('nearest' if self.kind == 'depth' else 'bilinear')

    @property
    def turns(self) -> bool:
        """Whether it holds vectors that turn with the picture."""
        return self.kind in ('normal', 'normal_y_down')

    @property
    def statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of every channel, in units.

        Raises:
            ValueError: If they are not given.
        """
        if not self.calibrated:  # the loader normalizes
            self.require(('channels',), 'the data preprocessor')
            return [0.0] * self.num_channels, [1.0] * self.num_channels
        self.require(('channels', 'mean', 'std'), 'the data preprocessor')
        return self._per_channel('mean'), self._per_channel('std')

    @property
    def fills(self) -> list[float]:
        """Value per channel that replaces a missing reading, in units of the file."""
        if self.fill is None:
            return [value / self.scale for value in self.statistics[0]]
        return self._per_channel('fill')

    def is_bgr(self, path: str) -> bool:
        """Tell whether the colors of a file are loaded as BGR; ``path`` may be a suffix alone.

        Arrays keep their order. A list of ``channels`` gives the order itself.
        """
        return not path.lower().endswith('.npy') and self.bands is None

    def require(self, keys: Sequence[str], reader: str) -> None:
        """Refuse a description that lacks one of the keys.

        Raises:
            ValueError: If one is missing. The error names the ``reader`` that needs it.
        """
        given = [key for key in keys if getattr(self, key) is not None]
        if len(given) < len(keys):
            needed = f'{", ".join(keys[:-1])} and {keys[-1]}'
            self._refuse(f'the keys {needed}, which {reader} needs', given)

    def _per_channel(self, key: str) -> list[float]:
        values = getattr(self, key)
        return [*values] if isinstance(values, list | tuple) else [values] * self.num_channels

    def _check_channels(self) -> None:
        channels = self.channels
        if isinstance(channels, list | tuple):
            whole = all(type(band) is int and band >= 0 for band in channels)
            if not channels or not whole or len(set(channels)) < len(channels):
                self._refuse('channels to be a list of distinct indices from 0', channels)
        elif type(channels) is not int or channels < 1:
            self._refuse('channels >= 1', channels)
        if self.bgr_to_rgb and self.num_channels != 3:
            self._refuse('3 channels with bgr_to_rgb=True', self.num_channels)
        if self.turns and self.num_channels != 3:
            self._refuse(f'3 channels of the kind {self.kind!r}', channels)

    def _check_missing(self) -> None:
        values = self.missing_values
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if not numbers or (self.missing is not None and not values):
            self._refuse('`missing` to be a number or a list of numbers', self.missing)
        if values and self.dtype and not any(can_hold(self.dtype, value) for value in values):
            self._refuse(f'a `missing` that files of dtype {self.dtype} can hold', self.missing)
        if self.valid_range is not None:
            limits = self.valid_range
            pair = isinstance(limits, list | tuple) and len(limits) == 2
            if not pair or not limits[0] < limits[1]:
                self._refuse('valid_range to be (smallest, largest)', limits)

    def _check_numbers(self) -> None:
        if not isinstance(self.scale, int | float) or not 0 < self.scale < math.inf:
            self._refuse('scale > 0', self.scale)
        count = self.num_channels
        for key in ('mean', 'std', 'fill'):
            given = getattr(self, key)
            values = listed(given)
            finite = all(isinstance(v, int | float) and math.isfinite(v) for v in values)
            several = isinstance(given, list | tuple)
            if not finite or (several and count is not None and len(values) != count):
                several = 'a list' if count is None else count
                self._refuse(f'{key} to be a number, or {several} of them, one per channel', given)
        given = [key for key in ('mean', 'std', 'fill') if getattr(self, key) is not None]
        if not self.calibrated and (given or self.scale != 1):
            told = given or ['scale']
            self._refuse(f'no {", ".join(told)} with calibrated=False', getattr(self, told[0]))
        if self.std is not None and min(listed(self.std)) <= 0:
            self._refuse('std > 0', self.std)

    def _refuse(self, expected: str, got: Any) -> None:
        raise ValueError(f'modality {self.name!r}: expected {expected}, got {got!r}')


def read_modalities(specs: Iterable[Mapping | Modality]) -> dict[str, Modality]:
    """Read the descriptions of several modalities into a dict by name, in the given order.

    Args:
        specs: The descriptions as a list. A dict would lose the order: mmengine sorts the keys of
            the dicts that it saves.

    Raises:
        ValueError: If the list is empty, two descriptions have the same name, or one is wrong.
    """
    if isinstance(specs, Mapping | str):
        raise ValueError(
            f'modalities: expected a list of dict(name=..., ...), got a {type(specs).__name__}: '
            f'{specs!r}'
        )
    described = [Modality.of(spec) for spec in specs]
    names = [modality.name for modality in described]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f'modalities: expected a non-empty sequence of distinct names, got {names}'
        )
    return dict(zip(names, described))


def check_readable(modalities: Iterable[Modality]) -> None:
    """Refuse descriptions that do not say what the files hold.

    Raises:
        ValueError: If one has no ``channels`` or no ``dtype``.
    """
    for modality in modalities:
        modality.require(('channels', 'dtype'), 'loading')


def check_name(name: Any) -> None:
    """Refuse a modality's name that is reserved or is not a word.

    Raises:
        ValueError: If the name is refused.
    """
    if not isinstance(name, str) or not re.fullmatch('[A-Za-z][A-Za-z0-9_]*', name):
        raise ValueError(
            f'modalities: expected names of letters, digits and underscores, got {name!r}'
        )
    if name in RESERVED:
        raise ValueError(f'modalities: expected a name other than {RESERVED}, got {name!r}')


def can_hold(dtype: np.dtype | str, value: float) -> bool:
    """Tell whether a dtype can hold a value."""
    dtype = np.dtype(dtype)
    if dtype.kind == 'f':
        return True
    limits = np.iinfo(dtype)
    return limits.min <= value <= limits.max and value == int(value)


def _read_nan(missing: Any) -> Any:
    """Replace 'nan' by the number."""
    if isinstance(missing, list | tuple):
        return type(missing)(map(_read_nan, missing))
    return math.nan if missing == 'nan' else missing


def listed(values: Numbers | None) -> tuple[float, ...]:
    """Make a tuple from one number, several numbers, or None."""
    if values is None:
        return ()
    return tuple(values) if isinstance(values, list | tuple) else (values,)
