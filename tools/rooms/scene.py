"""Draws a furnished room from a seed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import fixtures, furniture
from .layout import WALL_TURNS, Camera, Layout
from .materials import Material, draw_color, paint, plain
from .parts import Part, rotation, sheet, translation

TRIES = 40
AGAINST_WALL = ('bed', 'sofa', 'cabinet')
TALL = ('cabinet', 'plant', 'floor_lamp')
# probability of each piece, tried in this order: large pieces first, while there is room
CHANCES = (
    ('bed', 0.38),
    ('sofa', 0.45),
    ('cabinet', 0.65),
    ('table', 0.7),
    ('plant', 0.75),
    ('floor_lamp', 0.65),
    ('chair', 0.8),
    ('chair', 0.7),
    ('chair', 0.4),
    ('cabinet', 0.15),
    ('plant', 0.2),
)


@dataclass(frozen=True)
class Room:
    """A room to render.

    Args:
        parts: Everything in the room, and its walls.
        camera: The camera.
        light_level: Brightness of the room: 1 for full light, below 0.01 for nearly dark.
    """

    parts: list[Part]
    camera: Camera
    light_level: float


def draw_room(rng: np.random.Generator) -> Room:
    """Draw a room: shell, camera, furniture, fixtures and brightness."""
    size = rng.uniform(3.4, 5.2), rng.uniform(2.3, 2.7), rng.uniform(3.8, 6.2)
    layout = Layout(size, _draw_camera(rng, size))
    parts = _shell(rng, layout)
    if rng.random() < 0.75:
        parts += _hang(rng, layout, fixtures.door, blocks_floor=True)
    if rng.random() < 0.6:
        parts += _hang(rng, layout, fixtures.window)
    for _ in range(int(rng.integers(1, 4))):
        parts += _hang(rng, layout, fixtures.picture)
    if rng.random() < 0.75:
        parts.append(fixtures.rug(rng, (size[0], size[2])))
    for kind, chance in CHANCES:
        if rng.random() < chance:
            parts += _furnish(rng, layout, kind)
    parts += _light(rng, layout, any(part.radiance is not None for part in parts))
    return Room(parts, layout.camera, float(10 ** (-2.7 * rng.random() ** 1.3)))


def _draw_camera(rng: np.random.Generator, size: tuple[float, float, float]) -> Camera:
    """Place the camera at standing height near the front wall, looking across the room."""
    x = rng.uniform(-1, 1) * (size[0] / 2 - 0.5)
    position = np.array([x, rng.uniform(1.3, 1.75), size[2] / 2 - rng.uniform(0.2, 0.5)])
    target = np.array([rng.uniform(-0.25, 0.25) * size[0], rng.uniform(0.75, 1.3), -size[2] / 4])
    return Camera(position, target, float(rng.uniform(64, 78)))


def _shell(rng: np.random.Generator, layout: Layout) -> list[Part]:
    """Return floor, ceiling and the four walls."""
    width, height, depth = layout.size
    kind = rng.choice(('wood', 'tiles', 'checks', 'plain', 'fabric'))
    first = draw_color(rng, value=(0.12, 0.75), saturation=(0.05, 0.6))
    ground = Material(
        paint(rng, str(kind), first, first * rng.uniform(0.4, 0.9)), bool(rng.random() < 0.2)
    )
    kind = rng.choice(('plain', 'plain', 'fabric', 'stripes', 'dots'))
    first = draw_color(rng, value=(0.35, 0.95), saturation=(0.0, 0.5))
    paper = Material(paint(rng, str(kind), first, first * rng.uniform(0.75, 0.92)))
    sky = plain(draw_color(rng, value=(0.5, 0.9), saturation=(0.0, 0.2)))
    parts = [
        sheet('floor', (width, depth), ground).moved(rotation('x', -90)),
        sheet('ceiling', (width, depth), sky).moved(translation(0, height, 0) @ rotation('x', 90)),
    ]
    for wall in WALL_TURNS:
        frame = layout.wall_frame(wall) @ translation(0, height / 2, 0)
        parts.append(sheet('wall', (layout.wall_length(wall), height), paper).moved(frame))
    return parts


def _hang(
    rng: np.random.Generator,
    layout: Layout,
    build: Callable[[np.random.Generator], tuple[Part, float]],
    blocks_floor: bool = False,
) -> list[Part]:
    """Hang a flat thing on a free stretch of a wall in view, if there is one."""
    part, width = build(rng)
    for _ in range(TRIES):
        wall = str(rng.choice(('back', 'back', 'left', 'right')))
        along = rng.uniform(-0.5, 0.5) * layout.wall_length(wall)
        if not layout.claim_wall(wall, along, width):
            continue
        frame = layout.wall_frame(wall) @ translation(along, 0, 0)
        if blocks_floor:  # keep the floor in front of the door free
            ahead = (frame @ np.array([0, 0, 0.4, 1.0]))[[0, 2]]
            layout.claim_floor(ahead, (width, 0.8), WALL_TURNS[wall])
        return [part.moved(frame)]
    return []


def _furnish(rng: np.random.Generator, layout: Layout, kind: str) -> list[Part]:
    """Put a piece of furniture on free floor in view, if there is some."""
    piece = getattr(furniture, kind)(rng)
    for _ in range(TRIES):
        if kind in AGAINST_WALL:
            wall = str(rng.choice(('back', 'left', 'right')))
            along = rng.uniform(-0.5, 0.5) * layout.wall_length(wall)
            offset = translation(along, 0, piece.footprint[1] / 2 + 0.03)
            matrix, turn = layout.wall_frame(wall) @ offset, WALL_TURNS[wall]
        else:
            turn = rng.uniform(0, 360)
            x, z = rng.uniform(-0.5, 0.5, 2) * (layout.size[0], layout.size[2])
            matrix = translation(x, 0, z) @ rotation('y', turn)
        if layout.claim_floor(matrix[[0, 2], 3], piece.footprint, turn, kind in TALL):
            return [part.moved(matrix) for part in piece.parts]
    return []


def _light(rng: np.random.Generator, layout: Layout, lit_already: bool) -> list[Part]:
    """Hang a lamp from the ceiling; it is switched on at least if there is no other light."""
    lamp = fixtures.ceiling_lamp(rng, lit=not lit_already or rng.random() < 0.7)
    width, height, depth = layout.size
    place = translation(rng.uniform(-0.3, 0.3) * width, height, rng.uniform(-0.4, 0.0) * depth)
    return [part.moved(place) for part in lamp]
