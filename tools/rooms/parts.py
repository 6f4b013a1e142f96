"""Primitive solids and sheets that furniture is built from.

Coordinates are in meters, and y points up. A piece of furniture stands on y = 0 around the origin,
with its back toward -z and its front toward +z.
"""

from dataclasses import dataclass, replace

import numpy as np

from .materials import Material


@dataclass(frozen=True)
class Part:
    """A primitive of the renderer with its place, its look and its class.

    Args:
        label: Class name.
        shape: Mitsuba's shape type: cube, cylinder, sphere, disk or rectangle.
        matrix: Transform from the primitive's own frame to meters.
        material: How the surface reflects light.
        radiance: Emitted radiance, one RGB or a texture; None for a part without light.

    Shape:
        - matrix: (4, 4)
        - radiance: (3,) or (H, W, 3)
    """

    label: str
    shape: str
    matrix: np.ndarray
    material: Material
    radiance: np.ndarray | None = None

    def moved(self, matrix: np.ndarray) -> 'Part':
        """Return the part after a further transform."""
        return replace(self, matrix=matrix @ self.matrix)


def translation(x: float, y: float, z: float) -> np.ndarray:
    """Return the matrix of a shift in meters."""
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def scaling(x: float, y: float, z: float) -> np.ndarray:
    """Return the matrix of a scaling along the axes."""
    return np.diag([x, y, z, 1.0])


def rotation(axis: str, degrees: float) -> np.ndarray:
    """Return the matrix of a right-handed rotation about the axis 'x', 'y' or 'z'."""
    first, second = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[axis]
    angle = np.deg2rad(degrees)
    matrix = np.eye(4)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def box(label: str, center: tuple, size: tuple, material: Material, turn: float = 0.0) -> Part:
    """Return a box; `turn` rotates it about its own vertical axis, in degrees."""
    half = scaling(*(extent / 2 for extent in size))
    return Part(label, 'cube', translation(*center) @ rotation('y', turn) @ half, material)


def column(
    label: str, foot: tuple, height: float, radius: float, material: Material, **kwargs
) -> list[Part]:
    """Return an upright cylinder with a lid on top; kwargs apply to the side surface."""
    upright = translation(*foot) @ rotation('x', -90)
    lid = translation(0, height, 0) @ upright @ scaling(radius, radius, 1)
    mantle = upright @ scaling(radius, radius, height)
    return [
        Part(label, 'cylinder', mantle, material, **kwargs),
        Part(label, 'disk', lid, material),
    ]


def ball(label: str, center: tuple, radius: float, material: Material, **kwargs) -> Part:
    """Return a sphere."""
    matrix = translation(*center) @ scaling(radius, radius, radius)
    return Part(label, 'sphere', matrix, material, **kwargs)


def sheet(label: str, size: tuple, material: Material, **kwargs) -> Part:
    """Return a rectangle in the xy plane around the origin that faces +z."""
    return Part(label, 'rectangle', scaling(size[0] / 2, size[1] / 2, 1), material, **kwargs)


def four_legs(
    label: str, size: tuple[float, float], height: float, thickness: float, material: Material
) -> list[Part]:
    """Return legs of this height under the corners of a top of size[0] x size[1]."""
    reach_x, reach_z = (extent / 2 - thickness / 2 for extent in size)
    return [
        box(label, (x, height / 2, z), (thickness, height, thickness), material)
        for x in (-reach_x, reach_x)
        for z in (-reach_z, reach_z)
    ]
