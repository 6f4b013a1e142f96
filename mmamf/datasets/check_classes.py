"""Checks the class names and the palette of a data set."""

from collections.abc import Mapping

from mmengine import fileio
from mmengine.dataset import BaseDataset


def check_classes(dataset: type[BaseDataset], metainfo: Mapping | None) -> None:
    """Refuse meta information whose classes or palette a data set cannot use.

    Args:
        dataset: Class of the data set, which may define its own classes.
        metainfo: The configured meta information. If ``classes`` is a string, mmengine reads it as
            the path of a file that lists them.

    Raises:
        ValueError: If there are no classes, ``classes`` is not a list of distinct names, or
            ``palette`` does not have one color per class.
    """
    owner = dataset.__name__
    classes = (metainfo or {}).get('classes')
    if isinstance(classes, str) and not fileio.isfile(classes):
        raise ValueError(
            f"{owner}: expected classes to be a tuple of names, such as ('background', 'crack'), "
            f'or a file that holds one per line, got the string {classes!r}. A tuple of one name '
            f'has a comma: ({classes!r},)'
        )
    given = dataset._load_metainfo(metainfo)
    classes = given.get('classes')
    if classes is None or classes == [] or classes == ():
        raise ValueError(f'{owner}: expected metainfo=dict(classes=(...)), got no classes')
    if not isinstance(classes, list | tuple) or not all(
        isinstance(name, str) and name.strip() for name in classes
    ):
        raise ValueError(
            f'{owner}: expected classes to be a tuple of names, which are strings, got {classes!r}'
        )
    spaced = [name for name in classes if name != name.strip()]
    if spaced:
        raise ValueError(
            f'{owner}: expected names of classes without spaces around them, got {spaced}'
        )
    repeated = sorted({name for name in classes if list(classes).count(name) > 1})
    if repeated:
        raise ValueError(f'{owner}: expected classes of distinct names, got {repeated} repeated')
    if (metainfo or {}).get('palette'):
        # a subset of the classes may come with the palette of all classes
        lengths = {len(classes), len(dataset.METAINFO.get('classes', classes))}
        _check_palette(owner, given['palette'], lengths)


def _check_palette(owner: str, palette: object, lengths: set[int]) -> None:
    if not isinstance(palette, list | tuple) or len(palette) not in lengths:
        got = f'{len(palette)} colors' if isinstance(palette, list | tuple) else repr(palette)
        raise ValueError(
            f'{owner}: expected a palette with a color for each of the {max(lengths)} classes, got '
            f'{got}'
        )
    for color in palette:
        is_color = isinstance(color, list | tuple) and len(color) == 3
        if not is_color or not all(isinstance(v, int) and 0 <= v <= 255 for v in color):
            raise ValueError(
                f'{owner}: expected colors of the palette to be [R, G, B] of 0 to 255, got '
                f'{color!r}'
            )
