"""Selects the images among the files of a folder."""

import posixpath
from collections.abc import Sequence

from mmamf.datasets.list_files import IMAGES

from .found_data import CACHE, SPLITS
from .named_places import NamedPlaces
from .path_words import OVERVIEWS, SYSTEM, plain, split_path

UNREADABLE = (
    '.npz', '.heic', '.heif', '.avif', '.svg', '.dcm', '.nii', '.nii.gz', '.mha', '.nrrd', '.mat',
    '.h5', '.hdf5', '.nc', '.raw', '.dng', '.cr2', '.nef', '.arw', '.mp4', '.avi', '.mov', '.bag',
)  # fmt: skip
READABLE = tuple(suffix for suffix in IMAGES if suffix not in UNREADABLE)


def select_images(
    files: Sequence[str], dead: Sequence[str], places: NamedPlaces
) -> tuple[list[str], dict[str, str]]:
    """Select the files that are images of scenes.

    Args:
        files: Paths of files below the root.
        dead: Paths of links that lead nowhere.
        places: What arguments name; that is taken, whatever its path says.

    Returns:
        The images, and why each further image or volume is not one of them.
    """
    images, unused = [], {}
    for file in files:
        lower = file.lower()
        if lower.endswith(READABLE):
            shown = OVERVIEWS & {plain(word) for part in split_path(file) for word in part}
            if shown and not places.contain(file):
                unused[file] = f'an overview: its path says {min(shown)!r}'
            else:
                images.append(file)
        elif lower.endswith(UNREADABLE):
            suffix = next(s for s in sorted(UNREADABLE, key=len)[::-1] if lower.endswith(s))
            unused[file] = f'*{suffix} cannot be read'
    for file in dead:
        if file.lower().endswith((*READABLE, *UNREADABLE)) or '.' not in file:
            unused[file] = 'a link that leads nowhere or back'
    return images, unused


def without_plans(files: Sequence[str]) -> list[str]:
    """Leave out what systems make, and the tables of plans: they are no data."""
    plans = {posixpath.dirname(file) for file in files if posixpath.basename(file) == CACHE}
    tables = {posixpath.join(plan, f'{side}.csv') for plan in plans for side in SPLITS}
    return [
        file
        for file in files
        if file not in tables and SYSTEM.isdisjoint(posixpath.dirname(file).lower().split('/'))
    ]
