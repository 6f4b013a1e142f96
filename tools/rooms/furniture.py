"""Builders of furniture. Each returns parts around the origin and the footprint in meters."""

from typing import NamedTuple

import numpy as np

from .materials import Material, draw_color, draw_material, paint, plain
from .parts import Part, ball, box, column, four_legs, rotation, scaling, sheet, translation


class Piece(NamedTuple):
    """Parts of a piece of furniture and its (width, depth) on the floor."""

    parts: list[Part]
    footprint: tuple[float, float]


def table(rng: np.random.Generator) -> Piece:
    """Build a table with four legs, or a round one with a central foot."""
    top, legs = draw_material(rng), draw_material(rng, ('plain', 'wood'))
    height = rng.uniform(0.62, 0.8)
    if rng.random() < 0.3:
        radius = rng.uniform(0.5, 0.7)
        parts = [
            *column('table', (0, height - 0.06, 0), 0.06, radius, top),
            *column('table', (0, 0, 0), height - 0.05, 0.07, legs),
            *column('table', (0, 0, 0), 0.05, radius * 0.55, legs),
        ]
        return Piece(parts, (2 * radius, 2 * radius))
    width, depth = rng.uniform(1.0, 1.6), rng.uniform(0.7, 0.95)
    plate = box('table', (0, height - 0.035, 0), (width, 0.07, depth), top)
    return Piece([plate, *four_legs('table', (width, depth), height, 0.08, legs)], (width, depth))


def chair(rng: np.random.Generator) -> Piece:
    """Build a chair: legs, seat and a solid or ladder back."""
    seat, frame = draw_material(rng), draw_material(rng, ('plain', 'wood'))
    width, height = rng.uniform(0.46, 0.56), rng.uniform(0.42, 0.48)
    back = rng.uniform(0.45, 0.62)
    parts = [box('chair', (0, height, 0), (width, 0.07, width), seat)]
    parts += four_legs('chair', (width, width), height, 0.055, frame)
    rear = -width / 2 + 0.03
    if rng.random() < 0.6:
        parts.append(box('chair', (0, height + back / 2, rear), (width, back, 0.06), seat))
    else:
        for x in (-width / 2 + 0.03, width / 2 - 0.03):
            parts.append(box('chair', (x, height + back / 2, rear), (0.06, back, 0.06), frame))
        for share in (0.4, 0.85):
            parts.append(box('chair', (0, height + back * share, rear), (width, 0.13, 0.05), seat))
    return Piece(parts, (width, width))


def bed(rng: np.random.Generator) -> Piece:
    """Build a bed: frame, headboard, mattress, blanket and pillows."""
    width, length = rng.uniform(1.0, 1.7), rng.uniform(1.85, 2.05)
    frame, mattress, blanket, pillow = (draw_material(rng) for _ in range(4))
    top = rng.uniform(0.42, 0.55)
    cover = rng.uniform(0.55, 0.75) * length
    parts = [
        box('bed', (0, 0.15, 0), (width, 0.26, length), frame),
        box('bed', (0, 0.45, -length / 2 + 0.03), (width, 0.9, 0.06), frame),
        box('bed', (0, (0.28 + top) / 2, 0.03), (width - 0.06, top - 0.28, length - 0.1), mattress),
        box('bed', (0, top, (length - cover) / 2), (width - 0.02, 0.1, cover), blanket),
    ]
    count = 1 if width < 1.3 else 2
    for index in range(count):
        x = (index - (count - 1) / 2) * width / count
        size = (width / count * 0.75, 0.13, 0.36)
        parts.append(box('bed', (x, top + 0.05, -length / 2 + 0.32), size, pillow))
    return Piece(parts, (width, length))


def sofa(rng: np.random.Generator) -> Piece:
    """Build a sofa for one to three people: base, back, arms and cushions."""
    seats = int(rng.integers(1, 4))
    arm, depth = rng.uniform(0.14, 0.24), rng.uniform(0.8, 0.95)
    width = seats * rng.uniform(0.55, 0.65) + 2 * arm
    cover, cushion = draw_material(rng), draw_material(rng)
    seat, back = rng.uniform(0.3, 0.36), rng.uniform(0.75, 0.9)
    rest = rng.uniform(0.5, 0.62)
    inner = (width - 2 * arm) / seats
    parts = [
        box('sofa', (0, seat / 2, 0), (width, seat, depth), cover),
        box('sofa', (0, back / 2, -depth / 2 + 0.1), (width, back, 0.2), cover),
    ]
    for side in (-1, 1):
        x = side * (width / 2 - arm / 2)
        parts.append(box('sofa', (x, rest / 2, 0.01), (arm, rest, depth), cover))
    for index in range(seats):
        x = (index - (seats - 1) / 2) * inner
        parts.append(
            box('sofa', (x, seat + 0.06, 0.09), (inner - 0.03, 0.13, depth - 0.22), cushion)
        )
        parts.append(
            box('sofa', (x, seat + 0.3, -depth / 2 + 0.25), (inner - 0.04, 0.36, 0.12), cushion)
        )
    return Piece(parts, (width, depth))


def cabinet(rng: np.random.Generator) -> Piece:
    """Build a cabinet with raised doors and knobs, or an open shelf."""
    width, depth = rng.uniform(0.75, 1.4), rng.uniform(0.38, 0.55)
    height = rng.uniform(0.8, 2.0)
    body, front = draw_material(rng), draw_material(rng)
    if rng.random() < 0.35:
        parts = [box('cabinet', (0, height / 2, -depth / 2 + 0.02), (width, height, 0.04), body)]
        for x in (-width / 2 + 0.02, width / 2 - 0.02):
            parts.append(box('cabinet', (x, height / 2, 0), (0.05, height, depth), body))
        for y in np.linspace(0.06, height - 0.02, round(height / 0.38) + 1):
            parts.append(box('cabinet', (0, y, 0), (width - 0.05, 0.05, depth - 0.02), front))
        return Piece(parts, (width, depth))
    parts = [box('cabinet', (0, height / 2, 0), (width, height, depth), body)]
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    cell = (width / columns, (height - 0.08) / rows)
    knob = plain(draw_color(rng))
    for i in range(columns):
        for j in range(rows):
            x, y = (i - (columns - 1) / 2) * cell[0], 0.04 + (j + 0.5) * cell[1]
            size = (cell[0] - 0.05, cell[1] - 0.05, 0.05)
            parts.append(box('cabinet', (x, y, depth / 2), size, front))
            parts.append(ball('cabinet', (x + cell[0] * 0.3, y, depth / 2 + 0.05), 0.03, knob))
    return Piece(parts, (width, depth + 0.08))


def floor_lamp(rng: np.random.Generator) -> Piece:
    """Build a lamp: foot, pole and a wide glowing shade."""
    pole = plain(draw_color(rng))
    height, radius = rng.uniform(1.35, 1.7), rng.uniform(0.2, 0.28)
    shade, top = rng.uniform(0.34, 0.46), plain((0.8, 0.78, 0.7))
    tint = draw_color(rng, (0.06, 0.14), (0.1, 0.5), (1.0, 1.0))
    glow = tint * rng.uniform(1.5, 3.5) if rng.random() < 0.75 else None
    parts = [
        *column('lamp', (0, 0, 0), 0.05, 0.17, pole),
        *column('lamp', (0, 0, 0), height - shade, 0.035, pole),
        *column('lamp', (0, height - shade, 0), shade, radius, top, radiance=glow),
    ]
    return Piece(parts, (2 * radius, 2 * radius))


def plant(rng: np.random.Generator) -> Piece:
    """Build a pot with a fan of long leaves."""
    radius, pot = rng.uniform(0.17, 0.24), rng.uniform(0.28, 0.42)
    parts = column('plant', (0, 0, 0), pot, radius, draw_material(rng))
    for _ in range(int(rng.integers(26, 40))):
        color = draw_color(rng, (0.2, 0.42), (0.35, 0.9), (0.12, 0.6))
        leaf = Material(paint(rng, 'plain', color, color))
        length, lean = rng.uniform(0.5, 1.0), rng.uniform(5, 48)
        # a stretched square on its corner makes a leaf that stands on the pot and leans outward
        blade = (
            translation(0, pot - 0.02, 0)
            @ rotation('y', rng.uniform(0, 360))
            @ rotation('x', lean)
            @ translation(0, length / 2, 0)
            @ rotation('y', rng.uniform(-50, 50))
            @ scaling(rng.uniform(0.11, 0.17), length / np.sqrt(2), 1)
            @ rotation('z', 45)
        )
        parts.append(sheet('plant', (1, 1), leaf).moved(blade))
    return Piece(parts, (0.9, 0.9))
