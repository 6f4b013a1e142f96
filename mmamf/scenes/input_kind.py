import glob
import os.path as osp
from collections.abc import Mapping

LARGE = 2**24  # px, 4096 x 4096: a larger TIFF is read by tiles
RASTERS = ('.tif', '.tiff')
VOLUMES = ('.nii', '.nii.gz')
VIDEOS = ('.mp4', '.m4v', '.avi', '.mov', '.mkv', '.webm')
PICTURES, RASTER, VOLUME, VIDEO = 'pictures', 'rasters', 'volumes', 'videos'


def input_kind(inputs: Mapping[str, str], by_tiles: bool = False) -> str:
    """Tell how images are read: whole, or by tiles, slices or frames.

    Args:
        inputs: Modality -> a folder, a glob or a file.
        by_tiles: Whether TIFF files are read by tiles, however small they are. By default, only a
            single TIFF of more than 4096 x 4096 px is.

    Returns:
        'pictures', 'rasters', 'volumes' or 'videos'.

    Raises:
        ValueError: If the modalities have files of different kinds, or files that are no TIFF must
            be read by tiles.
    """
    kinds = {name: _kind(place, by_tiles) for name, place in inputs.items()}
    if any(kind == RASTER for kind in kinds.values()):  # registered with it, so as large
        kinds |= {name: RASTER for name, place in inputs.items() if _ends(place, RASTERS)}
    if len(set(kinds.values())) > 1:
        listed = ', '.join(f'{name}={place} ({kinds[name]})' for name, place in inputs.items())
        raise ValueError(f'inputs: expected files of one kind for all modalities, got {listed}')
    (kind,) = set(kinds.values())
    if by_tiles and kind != RASTER:
        listed = ', '.join(f'{name}={place}' for name, place in inputs.items())
        raise ValueError(f'--tile: expected TIFF files ({", ".join(RASTERS)}), got {listed}')
    return kind


def has_coordinates(path: str) -> bool:
    """Tell whether a file is a TIFF with coordinates (GeoTIFF)."""
    if not _ends(path, RASTERS) or not osp.isfile(path):
        return False
    page = _first_page(path)
    return page is not None and (page.is_geotiff or 'ModelPixelScaleTag' in page.tags)


def _kind(place: str, by_tiles: bool) -> str:
    if _ends(place, VOLUMES):
        return VOLUME
    if _ends(place, VIDEOS):
        return VIDEO
    is_many = osp.isdir(place) or glob.has_magic(place)
    if by_tiles:
        return RASTER if is_many or _ends(place, RASTERS) else PICTURES
    if is_many or not _ends(place, RASTERS) or not osp.isfile(place):
        return PICTURES
    page = _first_page(place)
    is_large = page is not None and page.imagelength * page.imagewidth > LARGE
    return RASTER if is_large else PICTURES


def _first_page(path: str):
    import tifffile  # here, because it is slow to import

    try:
        with tifffile.TiffFile(path, is_ome=False) as file:
            return file.pages[0]
    except Exception:  # of many kinds if it is damaged; whoever reads it says so
        return None


def _ends(place: str, suffixes: tuple[str, ...]) -> bool:
    return place.lower().endswith(suffixes)
