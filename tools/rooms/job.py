"""Renders one room to its files. Imported by the worker processes only: it loads mitsuba."""

import hashlib
import os
from pathlib import Path

import cv2
import numpy as np

from .classes import FOLDERS
from .edges import occlusion_edges, texture_edges
from .renderer import View, render
from .scene import Room, draw_room
from .sensors import exposed, measure_depth, take_photo, tone_map

cv2.setNumThreads(1)


def make_room(out: Path, split: str, index: int, seed: int, size: tuple[int, int]) -> dict:
    """Render a room and write its files; returns their SHA-256 by path below `out`.

    Every file appears whole or not at all, so that a killed run leaves no broken file.

    Args:
        out: Folder of the data set.
        split: 'train' or 'val'.
        index: Number of the room in its split, also its file name.
        seed: The room's own seed.
        size: Width and height in pixels.
    """
    rng = np.random.default_rng(seed)
    room = draw_room(rng)
    view = render(room, size, int(rng.integers(2**31)))
    images = room_images(room, view, rng)
    return {
        path: _write(out / path, images[folder])
        for folder in FOLDERS
        for path in (f'{split}/{folder}/{index:06d}.png',)
    }


def room_images(room: Room, view: View, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return every image of a room as stored, by folder; color images in RGB order."""
    clean = tone_map(exposed(view.radiance))
    return dict(
        rgb=take_photo(view, room.light_level, rng),
        depth=measure_depth(view, room.camera.fov, rng),
        normal=np.rint((view.normal + 1) / 2 * 255).clip(0, 255).astype(np.uint8),
        shade=tone_map(exposed(view.shade)),
        texture_edge=texture_edges(clean),
        occlusion_edge=occlusion_edges(view.depth),
        label=view.label,
    )


def _write(path: Path, image: np.ndarray) -> str:
    if image.ndim == 3:
        image = np.ascontiguousarray(image[..., ::-1])  # OpenCV writes BGR
    data = cv2.imencode('.png', image)[1].tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + '.part')
    draft.write_bytes(data)
    os.replace(draft, path)
    return hashlib.sha256(data).hexdigest()
