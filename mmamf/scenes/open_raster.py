import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from .optional_package import optional_package


def import_rasterio() -> ModuleType:
    """Import rasterio.

    Raises:
        ImportError: If it is not installed.
    """
    return optional_package('rasterio', 'a TIFF that is read by tiles')


@contextmanager
def open_raster(path: str | Path, mode: str = 'r', **profile) -> Iterator:
    """Open a TIFF with rasterio, which may lack coordinates.

    Args:
        path: The file.
        mode: 'r' or 'w'.
        **profile: Arguments of ``rasterio.open``.
    """
    rasterio = import_rasterio()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', rasterio.errors.NotGeoreferencedWarning)
        dataset = rasterio.open(path, mode, driver='GTiff', **profile)
    with dataset:
        yield dataset
