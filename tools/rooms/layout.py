"""Where things may stand: free floor, free wall and the camera's field of view."""

from dataclasses import dataclass, field

import numpy as np

from .parts import rotation, translation

WALL_TURNS = dict(back=0.0, left=90.0, right=-90.0, front=180.0)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Args:
        position: Meters.
        target: Point that the optical axis passes through, meters.
        fov: Horizontal field of view, degrees.
    """

    position: np.ndarray
    target: np.ndarray
    fov: float

    def axes(self) -> np.ndarray:
        """Return the unit vectors right, up and back of the camera as rows."""
        back = self.position - self.target
        back = back / np.linalg.norm(back)
        right = np.cross([0.0, 1.0, 0.0], back)
        right = right / np.linalg.norm(right)
        return np.stack([right, np.cross(back, right), back])

    def sees(self, x: float, z: float, margin: float = 0.85) -> bool:
        """Tell whether a point on the floor plan is well inside the horizontal field of view."""
        right, _, back = self.axes()
        offset = np.array([x - self.position[0], 0.0, z - self.position[2]])
        ahead, aside = -offset @ back, abs(offset @ right)
        return bool(ahead > 0 and aside < ahead * np.tan(np.deg2rad(self.fov / 2)) * margin)


@dataclass
class Layout:
    """The floor plan of a room, with the places that are already taken.

    Args:
        size: Width (x), height (y) and depth (z) in meters.
        camera: Camera; furniture must not stand in its way.
    """

    size: tuple[float, float, float]
    camera: Camera
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)
    hung: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def wall_frame(self, wall: str) -> np.ndarray:
        """Return the matrix from a wall's frame (x along it, y up, z into the room) to the room."""
        width, _, depth = self.size
        reach = depth / 2 if wall in ('back', 'front') else width / 2
        return rotation('y', WALL_TURNS[wall]) @ translation(0, 0, -reach)

    def wall_length(self, wall: str) -> float:
        """Return the length of a wall in meters."""
        return self.size[0] if wall in ('back', 'front') else self.size[2]

    def claim_floor(
        self, center: np.ndarray, footprint: tuple[float, float], turn: float, tall: bool = False
    ) -> bool:
        """Take the floor under a rotated footprint if it is free, in the room and in view."""
        angle = np.deg2rad(turn)
        cos, sin = abs(np.cos(angle)), abs(np.sin(angle))
        half_x = (footprint[0] * cos + footprint[1] * sin) / 2
        half_z = (footprint[0] * sin + footprint[1] * cos) / 2
        x, z = center
        rect = (x - half_x, x + half_x, z - half_z, z + half_z)
        inside = half_x + abs(x) <= self.size[0] / 2 and half_z + abs(z) <= self.size[2] / 2
        if not inside or not self.camera.sees(x, z):
            return False
        near = np.clip(self.camera.position[[0, 2]], rect[::2], rect[1::2])
        clearance = np.hypot(*(near - self.camera.position[[0, 2]]))
        if clearance < (1.9 if tall else 1.3):
            return False
        for other in self.taken:
            apart = rect[0] > other[1] or rect[1] < other[0]
            if not apart and rect[2] < other[3] and rect[3] > other[2]:
                return False
        self.taken.append(rect)
        return True

    def claim_wall(self, wall: str, along: float, width: float) -> bool:
        """Take a stretch of a wall if it is free, on the wall and in view."""
        if abs(along) + width / 2 + 0.1 > self.wall_length(wall) / 2:
            return False
        spot = self.wall_frame(wall) @ np.array([along, 0, 0, 1.0])
        near = np.hypot(*(spot[[0, 2]] - self.camera.position[[0, 2]]))
        if near < 1.6 or not self.camera.sees(spot[0], spot[2], 0.9):
            return False
        start, end = along - width / 2 - 0.06, along + width / 2 + 0.06
        stretches = self.hung.setdefault(wall, [])
        if any(start < other[1] and end > other[0] for other in stretches):
            return False
        stretches.append((start, end))
        return True
