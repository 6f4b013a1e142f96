"""Segments scenes that are larger than memory, and folders that a camera writes to."""

import argparse
from pathlib import Path

from mmamf.apis.match_inputs import match_inputs
from mmamf.apis.prediction_files import MASKS, OVERLAYS, WRITTEN
from mmamf.apis.segmentor import Segmentor
from mmamf.apis.uncertainty_files import UNCERTAINTY
from mmamf.scenes.check_result import check_result
from mmamf.scenes.input_kind import RASTER, VIDEO, VOLUME, VOLUMES
from mmamf.scenes.open_raster import import_rasterio
from mmamf.scenes.piece_segmentor import PieceSegmentor
from mmamf.scenes.segment_raster import TILE, segment_raster
from mmamf.scenes.segment_video import segment_video
from mmamf.scenes.segment_volume import segment_volume
from mmamf.scenes.segment_watched import segment_watched
from mmamf.scenes.usage import Usage
from mmamf.scenes.volume import import_nibabel
from mmamf.scenes.watched_folder import WatchedFolder


def check_packages(kind: str) -> None:
    """Import the package that reads a kind of files.

    Raises:
        ImportError: If it is not installed.
    """
    if kind == RASTER:
        import_rasterio()
    elif kind == VOLUME:
        import_nibabel()


def infer_scenes(segmentor: Segmentor, kind: str, args: argparse.Namespace) -> None:
    """Segment rasters, volumes or videos, given the arguments of `tools/infer.py`."""
    pieces = PieceSegmentor(segmentor, args.optional, args.batch_size)
    inputs, masks = dict(args.inputs), Path(args.out, MASKS)
    suffixes = {name: _suffix(kind, place, segmentor, name) for name, place in inputs.items()}
    results = [Path(args.out, name) for name in (*WRITTEN, *UNCERTAINTY)]
    scenes = match_inputs(inputs, segmentor.modalities, suffixes, pieces.optional, results)
    _tell_absent(segmentor, inputs)
    written = {name: _written(kind, masks, name, files) for name, files in scenes.items()}
    folders = UNCERTAINTY if args.probabilities else ()
    maps = {
        name: {folder: Path(args.out, folder, f'{name}.tif') for folder in folders}
        for name in scenes
    }
    if kind != VIDEO:
        for name, files in scenes.items():  # all, before the first one is segmented
            for path in (written[name], *maps[name].values()):
                check_result(path, files.values())
    for name, files in scenes.items():
        if kind == VIDEO:
            usage = segment_video(pieces, files, args.out, name)
        elif kind == VOLUME:
            usage = segment_volume(pieces, files, written[name])
        else:
            tile = TILE if args.tile is None else args.tile
            options = dict(tile=tile, overlap=args.overlap, uncertainty=maps[name])
            usage = segment_raster(pieces, files, written[name], **options)
        print(f'{written[name]}: {usage}')


def watch(segmentor: Segmentor, args: argparse.Namespace) -> None:
    """Segment what appears in folders until Ctrl-C, given the arguments of `tools/infer.py`."""
    pieces = PieceSegmentor(segmentor, args.optional)
    inputs = dict(args.inputs)
    suffixes = {name: modality.suffix for name, modality in segmentor.descriptions.items()}
    results = [Path(args.out, name) for name in (*WRITTEN, *UNCERTAINTY)]
    folder = WatchedFolder(inputs, suffixes, pieces.optional, results)
    _tell_absent(segmentor, inputs)
    print('watching; Ctrl-C ends it', flush=True)
    usage = Usage()
    try:
        segment_watched(pieces, folder, args.out, usage)
    except KeyboardInterrupt:
        print(f'\nended: {Path(args.out, MASKS)}, {Path(args.out, OVERLAYS)}: {usage}', flush=True)


def _written(kind: str, masks: Path, name: str, files: dict[str, str | None]) -> Path:
    first = next(file for file in files.values() if file)
    endings = {VIDEO: '', RASTER: '.tif', VOLUME: VOLUMES[first.lower().endswith(VOLUMES[1])]}
    return masks / f'{name}{endings[kind]}'


def _suffix(kind: str, place: str, segmentor: Segmentor, name: str) -> str:
    """Return the end of file names that is no part of a scene's name."""
    if kind != VOLUME:
        return segmentor.descriptions[name].suffix if name in segmentor.descriptions else ''
    return VOLUMES[place.lower().endswith(VOLUMES[1])]


def _tell_absent(segmentor: Segmentor, inputs: dict[str, str]) -> None:
    for name in segmentor.modalities:
        if name not in inputs:
            print(f'all without {name}')
