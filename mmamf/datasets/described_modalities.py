"""Shared by data sets: what their arguments say about modalities, folders and samples."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmamf.structures.modality import Modality

from .sample_list import SHOWN


def check_given(argument: str, what: str, given: dict[str, str], names: Sequence[str]) -> None:
    """Refuse an argument that is not a dict of strings, or that lacks one of the names.

    Raises:
        ValueError: If the argument is refused.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f'{argument}: expected a dict of one {what} per name, got {given!r}')
    for name in names:
        if name not in given:
            raise ValueError(
                f'{argument}: expected a {what} for each of {names}, got none for {name!r} in '
                f'{dict(given)}'
            )
    for name, value in given.items():
        if not isinstance(value, str):
            raise ValueError(
                f'{argument}: expected one {what}, a string, for {name!r}, got {value!r}'
            )


def check_indices(indices: int | Sequence[int] | None, count: int) -> None:
    """Refuse indices that select no sample or are out of range.

    Args:
        indices: A list of indices, or a number n: the first n samples, or the last -n if negative.
        count: Number of samples.

    Raises:
        ValueError: If the indices are refused.
    """
    if indices is None or (isinstance(indices, int) and indices != 0):
        return
    wrong = [i for i in indices if not -count <= i < count] if indices else [indices]
    if wrong:
        raise ValueError(
            f'indices: expected a number other than 0, or a list of numbers from {-count} to '
            f'{count - 1}, got {wrong[:SHOWN]}'
        )


def describe_names(
    names: Sequence[str],
    folders: dict[str, str],
    suffix: str | dict[str, str] = '.png',
    optional: Sequence[str] = (),
) -> list[Modality]:
    """Describe modalities for which only names and files are known.

    Args:
        names: Their names.
        folders: The folder of each modality; empty if the folders have the modalities' names.
        suffix: The suffix of their files, or a dict of one per name.
        optional: Names of the modalities that a sample may lack.

    Raises:
        ValueError: If ``names`` is a string, a name lacks a folder or suffix or is reserved, or
            ``optional`` has another name.
    """
    if isinstance(names, str):
        raise ValueError(f'modalities: expected a list of names, got the string {names!r}')
    modalities = [Modality(name) for name in names]
    names = tuple(names)
    if isinstance(optional, str) or not set(optional) <= set(names):
        raise ValueError(f'optional: expected names among the modalities {names}, got {optional!r}')
    if any(name in folders for name in names):
        check_given('data_prefix', 'folder', folders, names)
    suffixes = dict.fromkeys(names, suffix) if isinstance(suffix, str) else suffix
    check_given('img_suffix', 'suffix', suffixes, names)
    return [replace(m, suffix=suffixes[m.name], optional=m.name in optional) for m in modalities]


def merge_folders(descriptions: dict[str, Modality], folders: dict[str, str]) -> dict[str, str]:
    """Add the folders of the descriptions to the folders of a data set.

    Args:
        descriptions: The modalities.
        folders: Folders of the label maps, and of modalities that their descriptions do not name.

    Raises:
        ValueError: If the two name different folders for one modality.
    """
    for name, modality in descriptions.items():
        if modality.folder not in (None, folders.get(name, modality.folder)):
            raise ValueError(
                f'modality {name!r}: expected its folder to be named once, got {modality.folder!r} '
                f'in its description and {folders[name]!r} in data_prefix'
            )
    check_given('data_prefix', 'folder', folders, ())
    own = {name: modality.folder or name for name, modality in descriptions.items()}
    return {**own, **folders}
