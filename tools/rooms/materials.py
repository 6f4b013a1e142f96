"""Surface looks: colors and textures, drawn independently of the class that gets them."""

import colorsys
from dataclasses import dataclass

import numpy as np

TEXELS = 64
KINDS = ('plain', 'wood', 'tiles', 'stripes', 'checks', 'dots', 'fabric')


@dataclass(frozen=True)
class Material:
    """A diffuse texture with or without a varnish.

    Args:
        texture: Reflectance in 0-1.
        glossy: Whether a clear coat mirrors light. On dark colors it gives the depth camera no
            reading.

    Shape:
        - texture: (H, W, 3)
    """

    texture: np.ndarray
    glossy: bool = False


def draw_color(
    rng: np.random.Generator,
    hue: tuple[float, float] = (0.0, 1.0),
    saturation: tuple[float, float] = (0.05, 0.85),
    value: tuple[float, float] = (0.08, 0.9),
) -> np.ndarray:
    """Draw a linear RGB color from ranges of hue, saturation and value."""
    color = colorsys.hsv_to_rgb(
        rng.uniform(*hue) % 1, rng.uniform(*saturation), rng.uniform(*value)
    )
    return np.array(color)


def paint(rng: np.random.Generator, kind: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Paint a texture of the named kind from two colors.

    Shape:
        - Output: (TEXELS, TEXELS, 3), reflectance in 0-1
    """
    y, x = np.mgrid[0:TEXELS, 0:TEXELS] / TEXELS
    count = int(rng.integers(3, 8))
    if kind == 'wood':
        weave = 0.5 + 0.5 * np.sin(2 * np.pi * (count * y + 0.4 * np.sin(2 * np.pi * (x + y))))
        weave *= 0.35
    elif kind == 'tiles':
        weave = ((x * count) % 1 < 0.08) | ((y * count) % 1 < 0.08)
    elif kind == 'stripes':
        weave = (x * count) % 1 < 0.5
    elif kind == 'checks':
        weave = ((x * count).astype(int) + (y * count).astype(int)) % 2
    elif kind == 'dots':
        weave = np.hypot((x * count) % 1 - 0.5, (y * count) % 1 - 0.5) < 0.3
    else:
        weave = np.zeros_like(x)
    weave = weave[..., None]
    texture = first * (1 - weave) + second * weave
    grain = 0.25 if kind == 'fabric' else 0.05
    texture = texture * (1 - grain * rng.random((TEXELS, TEXELS, 1)))
    return np.clip(texture, 0.02, 0.95).astype(np.float32)


def plain(color: np.ndarray | tuple) -> Material:
    """Return a material of a single color, without a varnish."""
    return Material(np.broadcast_to(np.float32(color), (2, 2, 3)).copy())


def draw_material(rng: np.random.Generator, kinds: tuple[str, ...] = KINDS) -> Material:
    """Draw the look of a piece of furniture, independent of its class."""
    kind = str(rng.choice(kinds))
    texture = paint(rng, kind, draw_color(rng), draw_color(rng))
    return Material(texture, bool(rng.random() < 0.25))


def painting(rng: np.random.Generator) -> Material:
    """Draw a framed painting: bands of landscape or blots of color inside a frame."""
    canvas = np.empty((TEXELS, TEXELS, 3))
    y, x = np.mgrid[0:TEXELS, 0:TEXELS] / TEXELS
    colors = [draw_color(rng, saturation=(0.3, 1.0), value=(0.2, 0.95)) for _ in range(5)]
    canvas[:] = colors[0]
    if rng.random() < 0.5:
        for level, color in zip(np.sort(rng.uniform(0.2, 0.8, 2))[::-1], colors[1:3]):
            canvas[y < level + 0.06 * np.sin(rng.uniform(4, 12) * x + rng.uniform(0, 6))] = color
    for color in colors[3:]:
        center, radius = rng.uniform(0.25, 0.75, 2), rng.uniform(0.12, 0.28)
        canvas[np.hypot(x - center[0], y - center[1]) < radius] = color
    frame = (np.minimum(x, 1 - x) < 0.09) | (np.minimum(y, 1 - y) < 0.09)
    canvas[frame] = draw_color(rng, saturation=(0.0, 0.6), value=(0.03, 0.5))
    return Material(np.clip(canvas, 0.02, 0.95).astype(np.float32))


def bordered(rng: np.random.Generator) -> Material:
    """Draw a rug: a pattern inside one or two borders."""
    kind = str(rng.choice(('plain', 'stripes', 'checks', 'dots', 'tiles')))
    colors = [draw_color(rng, saturation=(0.35, 1.0), value=(0.15, 0.9)) for _ in range(3)]
    texture = paint(rng, kind, colors[0], colors[1])
    y, x = np.mgrid[0:TEXELS, 0:TEXELS] / TEXELS
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    texture[edge < 0.12] = colors[2]
    texture[edge < 0.05] = colors[1]
    return Material(np.clip(texture, 0.02, 0.95))


def door_panels(rng: np.random.Generator) -> Material:
    """Draw a painted door: a flat color with darker panel lines, a frame and a handle."""
    y, x = np.mgrid[0:TEXELS, 0:TEXELS] / TEXELS
    color = draw_color(rng, saturation=(0.1, 0.8), value=(0.12, 0.7))
    texture = np.broadcast_to(color, (TEXELS, TEXELS, 3)).copy()
    rows = int(rng.integers(1, 4))
    across = np.abs(x - 0.5)
    along = np.abs((y * rows) % 1 - 0.5)
    inside = (across < 0.3) & (along < 0.5 - 0.06 * rows)
    core = (across < 0.25) & (along < 0.5 - 0.09 * rows)
    texture[inside & ~core] = color * 0.55
    texture[(np.abs(x - 0.86) < 0.05) & (np.abs(y - 0.5) < 0.02)] = 0.8
    texture[(across > 0.455) | (y > 0.975)] = color * 0.35
    return Material(np.clip(texture, 0.02, 0.95).astype(np.float32))


def window_panes(rng: np.random.Generator) -> np.ndarray:
    """Draw the view through a window, in 0-1: sky over ground behind a cross of bars.

    Shape:
        - Output: (TEXELS, TEXELS, 3)
    """
    y, x = np.mgrid[0:TEXELS, 0:TEXELS] / TEXELS
    sky = np.array([0.65, 0.82, 1.0]) * rng.uniform(0.8, 1.0)
    view = np.broadcast_to(sky, (TEXELS, TEXELS, 3)).copy()
    view[y < rng.uniform(0.1, 0.4) + 0.05 * np.sin(9 * x)] = draw_color(rng, (0.2, 0.4))
    bars = (np.abs(x - 0.5) < 0.03) | (np.abs(y - 0.55) < 0.03)
    frame = (np.minimum(x, 1 - x) < 0.07) | (np.minimum(y, 1 - y) < 0.07)
    view[bars | frame] = 0.25
    return np.clip(view, 0.02, 0.95).astype(np.float32)
