"""Renders one room to its files. It loads mitsuba, so only worker processes import it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmamf.whole_file import whole_file

from .edges import occlusion_edges, texture_edges
from .manifest import room_file
from .renderer import View, render
from .scene import Room, draw_room
from .sensors import exposed, measure_depth, take_photo, tone_map

cv2.setNumThreads(1)


def make_room(
    out: Path, split: str, index: int, seed: int, size: tuple[int, int], folders: Sequence[str]
) -> dict:
    """Render a room and write its files; return their SHA-256 by path inside `out`.

    Every file appears complete or not at all, so a killed run leaves no broken file.

    Args:
        out: Folder of the data set.
        split: 'train' or 'val'.
        index: Number of the room in its split, also its file name.
        seed: Seed of this room.
        size: Width and height in pixels.
        folders: The files to write. Their content does not depend on which others are written.
    """
    rng = np.random.default_rng(seed)
    room = draw_room(rng)
    view = render(room, size, int(rng.integers(2**31)), 'shade' in folders)
    images = room_images(room, view, rng)
    paths = {folder: room_file(split, folder, index) for folder in folders}
    return {path: _write(out / path, images[folder]) for folder, path in paths.items()}


def room_images(room: Room, view: View, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the images of a room as they are stored, by folder; color images in RGB order."""
    clean = tone_map(exposed(view.radiance))
    images = dict(
        rgb=take_photo(view, room.light_level, rng),
        depth=measure_depth(view, room.camera.fov, rng),
        normal=np.rint((view.normal + 1) / 2 * 255).clip(0, 255).astype(np.uint8),
        texture_edge=texture_edges(clean),
        occlusion_edge=occlusion_edges(view.depth),
        label=view.label,
    )
    if view.shade is not None:
        images['shade'] = tone_map(exposed(view.shade))
    return images


def _write(path: Path, image: np.ndarray) -> str:
    if image.ndim == 3:
        image = np.ascontiguousarray(image[..., ::-1])  # OpenCV writes BGR
    data = cv2.imencode('.png', image)[1].tobytes()
    with whole_file(path) as draft:
        draft.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
