"""Builders of things that hang on walls or from the ceiling, or lie flat on the floor.

Flat things have a distance of `SHEET_GAP` from their wall or floor. The depth camera cannot resolve
it, so only color distinguishes them from what is behind them.
"""

import numpy as np

from .materials import Material, bordered, door_panels, draw_color, painting, plain, window_panes
from .parts import Part, ball, box, column, rotation, sheet, translation

SHEET_GAP = 0.0015  # m


def door(rng: np.random.Generator) -> tuple[Part, float]:
    """Build a door painted on a wall; returns the part and its width in meters."""
    width, height = rng.uniform(0.85, 1.05), rng.uniform(1.95, 2.12)
    part = sheet('door', (width, height), door_panels(rng))
    return part.moved(translation(0, height / 2, SHEET_GAP)), width


def window(rng: np.random.Generator) -> tuple[Part, float]:
    """Build a window, bright by day and dark at night; returns the part and its width."""
    width, height = rng.uniform(1.0, 1.7), rng.uniform(1.0, 1.3)
    panes = window_panes(rng)
    if rng.random() < 0.65:
        day = panes * rng.uniform(0.6, 1.8)
        part = sheet('window', (width, height), Material(panes * 0.2), radiance=day)
    else:
        part = sheet('window', (width, height), Material(panes * 0.12))
    return part.moved(translation(0, rng.uniform(1.35, 1.55), SHEET_GAP)), width


def picture(rng: np.random.Generator) -> tuple[Part, float]:
    """Build a framed picture; returns the part and its width in meters."""
    width, height = rng.uniform(0.55, 1.2), rng.uniform(0.5, 0.9)
    part = sheet('picture', (width, height), painting(rng))
    return part.moved(translation(0, rng.uniform(1.45, 1.7), SHEET_GAP)), width


def rug(rng: np.random.Generator, room: tuple[float, float]) -> Part:
    """Build a rug for a room of (width, depth) meters, on the half far from the camera."""
    size = rng.uniform(1.4, 2.4), rng.uniform(1.0, 1.8)
    x = rng.uniform(-1, 1) * max(room[0] / 2 - size[0] / 2 - 0.2, 0)
    z = rng.uniform(-0.25, 0.15) * room[1]
    flat = rotation('y', rng.uniform(-12, 12)) @ rotation('x', -90)
    return sheet('rug', size, bordered(rng)).moved(translation(x, SHEET_GAP, z) @ flat)


def ceiling_lamp(rng: np.random.Generator, lit: bool) -> list[Part]:
    """Build a lamp that hangs from y = 0: a panel, a globe or a drum."""
    tint = draw_color(rng, (0.05, 0.16), (0.0, 0.35), (1.0, 1.0)) * rng.uniform(1.2, 3.0)
    shell = plain((0.8, 0.8, 0.78))
    kind = rng.choice(('panel', 'globe', 'drum'))
    if kind == 'panel':
        width, depth = rng.uniform(0.6, 1.1), rng.uniform(0.6, 0.9)
        glow = tint / (width * depth) if lit else None
        plate = sheet('lamp', (width, depth), shell, radiance=glow)
        case = box('lamp', (0, -0.03, 0), (width + 0.04, 0.06, depth + 0.04), shell)
        return [case, plate.moved(translation(0, -0.07, 0) @ rotation('x', 90))]
    drop, radius = rng.uniform(0.2, 0.4), rng.uniform(0.17, 0.25)
    cord = box('lamp', (0, -drop / 2, 0), (0.03, drop, 0.03), plain((0.05, 0.05, 0.05)))
    if kind == 'globe':
        glow = tint / (4 * np.pi * radius**2) if lit else None
        return [cord, ball('lamp', (0, -drop - radius, 0), radius, shell, radiance=glow)]
    height = rng.uniform(0.2, 0.32)
    glow = tint / (2 * np.pi * radius * height) if lit else None
    foot = (0, -drop - height, 0)
    return [cord, *column('lamp', foot, height, radius, shell, radiance=glow)]
