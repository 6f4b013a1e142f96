"""The one description of a modality. Everything from the file to the network reads it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NoReturn

from .check_modality import check_modality
from .listed import Numbers, listed

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
        object.__setattr__(self, 'missing', _read_nan(self.missing))
        check_modality(self)

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
            self.refuse(f'the keys {needed}, which {reader} needs', given)

    def refuse(self, expected: str, got: Any) -> NoReturn:
        """Raise an error that names the modality, what was expected, and what came.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f'modality {self.name!r}: expected {expected}, got {got!r}')

    def _per_channel(self, key: str) -> list[float]:
        values = getattr(self, key)
        return [*values] if isinstance(values, list | tuple) else [values] * self.num_channels


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


def _read_nan(missing: Any) -> Any:
    """Replace 'nan' by the number."""
    if isinstance(missing, list | tuple):
        return type(missing)(map(_read_nan, missing))
    return math.nan if missing == 'nan' else missing
