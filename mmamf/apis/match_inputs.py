"""Sorts the images that a user names into multimodal samples."""

import glob
import os.path as osp
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmamf.datasets.list_files import why_absent
from mmamf.datasets.sample_list import SHOWN

from .find_images import images_in_folder, images_in_glob, stem_of

Image = str | np.ndarray  # a file, or an array like its content
Images = str | Path | np.ndarray | Sequence[str | Path | np.ndarray | None]


def match_inputs(
    inputs: Mapping[str, Images],
    modalities: Sequence[str],
    suffixes: Mapping[str, str],
    optional: Collection[str] = (),
    results: Collection[str | Path] = (),
) -> dict[str, dict[str, Image | None]]:
    """Sort images into samples with one image per modality.

    Files of folders and globs are matched by name. In a folder, the name is the path below the
    folder without suffix; sub-folders are included. In a glob, the name is the text that the
    wildcards match, so ``*_rgb.png`` and ``*_depth.png`` match. Upper and lower case of suffixes
    and of a glob's extension do not matter. The log says how many images there are, and which are
    not used. Single files and arrays, and those in lists, are matched by their order.

    A modality that is not among the inputs is absent in all samples. If only some samples lack a
    modality, it must be in ``optional``; otherwise it counts as a mistake. In a list, None replaces
    a lacking image.

    Args:
        inputs: Modality -> a folder, a glob, a file, an array, or a list of files and arrays.
        modalities: All modalities of the model.
        suffixes: Modality -> end of its file names that is not part of a sample's name. If a file
            name has another end, only its extension is not part of the sample's name.
        optional: Modalities that a sample may lack, as long as one remains.
        results: Files and folders of earlier results. They are left out of the folders and globs
            that contain them.

    Returns:
        Name of each sample -> its images in the order of ``modalities``; None for a lacking image.
        Samples from arrays are numbered.

    Raises:
        ValueError: If there is no modality or an unknown one, a sample lacks a modality that is not
            optional or lacks all, or two files of a modality have the same name.
        FileNotFoundError: If a path does not exist, or a folder or glob has no image.
        TypeError: If an input is of another type.
    """
    if not isinstance(inputs, Mapping) or not inputs or not set(inputs) <= set(modalities):
        got = tuple(inputs) if isinstance(inputs, Mapping) else type(inputs).__name__
        raise ValueError(
            f'inputs: expected a dict with some or all of the modalities {tuple(modalities)}, got '
            f'{got}'
        )
    if isinstance(optional, str) or not set(optional) <= set(modalities):
        raise ValueError(
            f'optional: expected names among the modalities {tuple(modalities)}, got {optional!r}'
        )
    given = [name for name in modalities if name in inputs]
    found = {name: _find(name, inputs[name], suffixes.get(name, ''), results) for name in given}
    named = [name for name in given if isinstance(found[name], dict)]
    if named and len(named) < len(found):
        others = [name for name in given if name not in named]
        raise ValueError(
            f'inputs: expected folders or globs for all modalities or for none, got them for '
            f'{named} and single images or lists for {others}'
        )
    samples = _by_name(found, optional) if named else _in_order(found, suffixes, optional)
    return {
        name: {modality: images.get(modality) for modality in modalities}
        for name, images in samples.items()
    }


def _by_name(
    found: dict[str, dict[str, str]], optional: Collection[str]
) -> dict[str, dict[str, str]]:
    names = sorted(set().union(*found.values()))
    lacking = []
    for name in names:
        missing = [key for key in found if name not in found[key] and key not in optional]
        if missing:
            present = next(files[name] for files in found.values() if name in files)
            lacking.append(f'{name}: no {", ".join(missing)} for {present}')
    if lacking:
        listed = '\n  '.join(lacking[:SHOWN])
        more = f'\n  and {len(lacking) - SHOWN} more' if len(lacking) > SHOWN else ''
        raise ValueError(
            f'inputs: expected a file of every name for each of {tuple(found)} that is not '
            f'optional, {len(lacking)} of {len(names)} names lack some:\n  {listed}{more}'
        )
    return {name: {key: files.get(name) for key, files in found.items()} for name in names}


def _in_order(
    found: dict[str, list[Image | None]], suffixes: Mapping[str, str], optional: Collection[str]
) -> dict[str, dict[str, Image | None]]:
    lengths = {name: len(images) for name, images in found.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f'inputs: expected the same number of images of each modality, got {lengths}'
        )
    for i, images in enumerate(zip(*found.values())):
        lacking = [name for name, image in zip(found, images) if image is None]
        if len(lacking) == len(found) or not set(lacking) <= set(optional):
            raise ValueError(
                'inputs: expected at least one image, and one of each modality that is not '
                f'optional, got None for {lacking} in place {i} of the lists'
            )
    first = next(iter(found))
    numbers = [f'{i:06d}' for i in range(lengths[first])]
    names = [
        stem_of(osp.basename(image), suffixes.get(first, '')) if isinstance(image, str) else number
        for image, number in zip(found[first], numbers)
    ]
    if len(set(names)) < len(names):
        names = numbers
    return {name: {key: images[i] for key, images in found.items()} for i, name in enumerate(names)}


def _find(
    name: str, given: Any, suffix: str, results: Collection[str | Path]
) -> dict[str, str] | list[Image | None]:
    """Return the files of a folder or glob by name, or the given images in order."""
    if isinstance(given, str | Path):
        path = osp.expanduser(given)
        if osp.isdir(path):
            return images_in_folder(name, path, suffix, results)
        if glob.has_magic(path) and not osp.exists(path):
            return images_in_glob(name, path, suffix, results)
    if not isinstance(given, list | tuple):
        return [check_image(name, given)]
    if not given:
        raise ValueError(f'modality {name!r}: expected at least one image, got an empty list')
    return [None if image is None else check_image(name, image) for image in given]


def check_image(name: str, image: Any) -> Image:
    """Return an image if it is an array or a file that exists.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If it is of another type.
    """
    if isinstance(image, np.ndarray):
        return image
    if not isinstance(image, str | Path):
        raise TypeError(
            f'modality {name!r}: expected a str, Path or numpy array, got {type(image).__name__}'
        )
    path = osp.expanduser(image)
    if not osp.isfile(path):
        raise FileNotFoundError(f'modality {name!r}: there is no file {path}{why_absent(path)}')
    return path


def as_file(name: str, image: Image, directory: str) -> str:
    """Write an array to a file, so that a pipeline loads and checks it like any other."""
    if isinstance(image, str):
        return image
    path = osp.join(directory, f'{name}.npy')
    np.save(path, image)
    return path
