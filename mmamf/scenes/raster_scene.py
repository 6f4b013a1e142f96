import os.path as osp
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from .open_raster import import_rasterio, open_raster
from .piece import Piece
from .tile_grid import Tile

ROUNDING = 1e-3  # px, by which the corners of registered rasters may differ


class RasterScene:
    """Registered rasters of one scene, which are read tile by tile with rasterio.

    A tile becomes a small TIFF with the dtype, bands, colors and nodata value of its raster. So it
    is read like any other file of the modality.

    Use it in a ``with`` block, which closes the files.

    Args:
        files: Modality -> its raster; None if it is absent. At least one is there.

    Attributes:
        shape: Height and width in px.
        first: The first raster, as an open dataset of rasterio.

    Raises:
        FileNotFoundError: If a file does not exist.
        ImportError: If rasterio is not installed.
        ValueError: If a file is no TIFF, or the rasters differ in size, coordinate system or
            position.
    """

    def __init__(self, files: Mapping[str, str | None]) -> None:
        self._rasterio = import_rasterio()
        self.files = dict(files)
        with ExitStack() as stack:
            self._datasets = {n: self._open(file, stack) for n, file in files.items() if file}
            (name, self.first), *others = self._datasets.items()
            for other, dataset in others:
                self._check(name, other, dataset)
            self.shape = self.first.shape
            self._directory = stack.enter_context(TemporaryDirectory())
            self._opened = stack.pop_all()

    def __enter__(self) -> 'RasterScene':
        return self

    def __exit__(self, *_) -> None:
        self._opened.close()

    def cut(self, tile: Tile) -> Piece:
        """Read a tile. Its files exist until the next one is read.

        Raises:
            ValueError: If a file is damaged.
        """
        images, places = {}, {}
        for name, file in self.files.items():
            images[name] = self._copy(name, tile) if file else None
            places[name] = f'{file}, {tile.place}'
        return Piece(f'{self.first.name}, {tile.place}', images, places)

    def _copy(self, name: str, tile: Tile) -> str:
        source = self._datasets[name]
        window = self._rasterio.windows.Window.from_slices(tile.rows.seen, tile.columns.seen)
        # the name of the raster, because warnings name the file
        path = Path(self._directory, name, osp.basename(source.name))
        path.parent.mkdir(exist_ok=True)
        try:
            values = source.read(window=window)
        except self._rasterio.errors.RasterioError as error:
            raise ValueError(
                f'{source.name} is corrupt or truncated: {tile.place} cannot be read: {error}'
            ) from error
        profile = dict(
            count=source.count,
            dtype=values.dtype,
            nodata=source.nodata,
            height=values.shape[1],
            width=values.shape[2],
        )
        with open_raster(path, 'w', **profile) as out:
            out.colorinterp = source.colorinterp
            if source.colorinterp[0] == self._rasterio.enums.ColorInterp.palette:
                out.write_colormap(1, source.colormap(1))
            out.write(values)
        return str(path)

    def _open(self, file: str, stack: ExitStack):
        if not osp.isfile(file):
            raise FileNotFoundError(f'raster not found: {file}')
        try:
            return stack.enter_context(open_raster(file))
        except self._rasterio.errors.RasterioError as error:
            raise ValueError(
                f'{file}: expected a TIFF, which can be read by tiles, got a file that GDAL cannot '
                f'open as one: {error}'
            ) from error

    def _check(self, name: str, other: str, dataset) -> None:
        first, files = self.first, f'{self.files[name]} ({name!r})'
        got = f'{self.files[other]} ({other!r})'
        if dataset.shape != first.shape:
            raise ValueError(
                f'modalities of one scene differ in size (H, W): expected {first.shape} as in '
                f'{files}, got {dataset.shape} in {got}'
            )
        if dataset.crs != first.crs:
            raise ValueError(
                f'modalities of one scene differ in coordinate system: expected {first.crs} as in '
                f'{files}, got {dataset.crs} in {got}'
            )
        height, width = first.shape
        for corner in ((0, 0), (width, 0), (0, height)):
            column, row = ~first.transform @ (dataset.transform @ corner)
            if abs(column - corner[0]) > ROUNDING or abs(row - corner[1]) > ROUNDING:
                raise ValueError(
                    'modalities of one scene differ in position (transform): expected '
                    f'{tuple(first.transform)[:6]} as in {files}, got '
                    f'{tuple(dataset.transform)[:6]} in {got}'
                )
