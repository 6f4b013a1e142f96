"""Renders a room with mitsuba into noise-free images.

Two traps of mitsuba's scalar mode are avoided. Without `optimize=False`, loading a scene merges
shapes. From the second scene on, the output `shape_index` is wrong, so classes are rendered as
reflectance. The geometry is read with one ray through the center of each pixel.
"""

from dataclasses import dataclass

import mitsuba as mi
import numpy as np
import pyoidn
from drjit import set_thread_count

from .classes import CLASSES, IGNORE
from .layout import Camera
from .parts import Part
from .scene import Room

mi.set_variant('scalar_rgb')
mi.set_log_level(mi.LogLevel.Error)
set_thread_count(1)

COLOR_SAMPLES, COLOR_BOUNCES = 4, 4
SHADE_SAMPLES, SHADE_BOUNCES = 4, 3
WHITE = {'type': 'diffuse', 'reflectance': {'type': 'rgb', 'value': 0.8}}
NO_DEPTH = 0.01  # m, nearer than any surface
LABEL_STEP = 1 / 64  # step of reflectance between classes, exact in float32


@dataclass(frozen=True)
class View:
    """Noise-free images of a room.

    Shape:
        - radiance: (H, W, 3), linear RGB
        - shade: (H, W), linear brightness of the room painted white; None if not requested
        - albedo: (H, W, 3), reflectance in 0-1
        - depth: (H, W), meters along the optical axis
        - normal: (H, W, 3), unit vectors in the camera's frame: right, up, toward the camera
        - facing: (H, W), cosine between the normal and the direction to the camera
        - glossy: (H, W), bool
        - label: (H, W), class index, or 255 where a ray went through a gap between surfaces
    """

    radiance: np.ndarray
    shade: np.ndarray | None
    albedo: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    facing: np.ndarray
    glossy: np.ndarray
    label: np.ndarray


def render(room: Room, size: tuple[int, int], seed: int, with_shade: bool = True) -> View:
    """Render a room at size (width, height); the seed fixes the noise of the path tracer.

    Rendering the shade takes a quarter of the time.
    """
    centered = _sensor(room.camera, size, {'type': 'stratified', 'jitter': False})
    sensor = _sensor(room.camera, size, {'type': 'independent'})
    geometry = _geometry(room, centered)
    textured = _load(centered, [_colored(part) for part in room.parts])
    colored = _load(sensor, [_colored(part) for part in room.parts])
    albedo = _run(textured, {'type': 'aov', 'aovs': 'a:albedo'}, 1, 0)[..., :3]
    albedo = np.clip(np.nan_to_num(albedo), 0, 1)
    radiance = _run(colored, {'type': 'path', 'max_depth': COLOR_BOUNCES}, COLOR_SAMPLES, seed)
    normal, shade = geometry['normal'], None
    if with_shade:
        white = _load(sensor, [_shape(part, WHITE) for part in room.parts])
        shade = _run(white, {'type': 'path', 'max_depth': SHADE_BOUNCES}, SHADE_SAMPLES, seed)
        shade = _denoise(shade, np.full_like(albedo, 0.8), normal).mean(-1)
    return View(
        radiance=_denoise(radiance, albedo, normal),
        shade=shade,
        albedo=albedo,
        **geometry,
    )


def _geometry(room: Room, sensor: dict) -> dict[str, np.ndarray]:
    """Trace a ray through every pixel's center, and read what it hits."""
    coded = _load(sensor, [_coded(part) for part in room.parts])
    aovs = {'type': 'aov', 'aovs': 'a:albedo,d:depth,n:sh_normal'}
    values = _run(coded, aovs, 1, 0)
    code, distance, normal = values[..., :3], values[..., 3], values[..., 4:7]
    height, width = distance.shape
    focal = width / 2 / np.tan(np.deg2rad(room.camera.fov / 2))
    columns = (np.arange(width) + 0.5 - width / 2) / focal
    rows = (height / 2 - np.arange(height) - 0.5) / focal
    rays = np.stack(np.broadcast_arrays(columns, rows[:, None], np.float64(-1)), -1)
    length = np.linalg.norm(rays, axis=-1)
    normal = normal @ room.camera.axes().T
    facing = -(normal * rays).sum(-1) / length
    label = np.rint(code[..., 0] / LABEL_STEP).astype(np.int64) - 1
    normal = np.where(facing[..., None] < 0, -normal, normal)  # sheets are visible from both sides
    return dict(
        depth=np.maximum(distance / length, NO_DEPTH),
        normal=normal,
        facing=np.abs(facing),
        glossy=code[..., 1] > 0.5,
        label=np.where(label < 0, IGNORE, label).astype(np.uint8),
    )


def _sensor(camera: Camera, size: tuple[int, int], sampler: dict) -> dict:
    transform = mi.ScalarTransform4f().look_at(
        origin=camera.position.tolist(), target=camera.target.tolist(), up=[0, 1, 0]
    )
    film = dict(type='hdrfilm', width=size[0], height=size[1], pixel_format='rgb')
    film.update(rfilter={'type': 'box'}, component_format='float32')
    return dict(
        type='perspective',
        fov=camera.fov,
        fov_axis='x',
        to_world=transform,
        near_clip=0.01,
        far_clip=100.0,
        film=film,
        sampler=sampler,
    )


def _load(sensor: dict, shapes: list[dict]) -> mi.Scene:
    scene = {'type': 'scene', 'sensor': sensor}
    scene.update({f'shape{index:04d}': shape for index, shape in enumerate(shapes)})
    return mi.load_dict(scene, optimize=False)


def _run(scene: mi.Scene, integrator: dict, samples: int, seed: int) -> np.ndarray:
    image = mi.render(scene, integrator=mi.load_dict(integrator), spp=samples, seed=seed)
    return np.array(image)


def _shape(part: Part, bsdf: dict) -> dict:
    shape = {
        'type': part.shape,
        'to_world': mi.ScalarTransform4f(part.matrix),
        'bsdf': {'type': 'twosided', 'bsdf': bsdf},
    }
    if part.radiance is not None:
        shape['emitter'] = {'type': 'area', 'radiance': _texture(part.radiance)}
    return shape


def _colored(part: Part) -> dict:
    reflectance = _texture(part.material.texture)
    if part.material.glossy:
        return _shape(part, {'type': 'plastic', 'diffuse_reflectance': reflectance})
    return _shape(part, {'type': 'diffuse', 'reflectance': reflectance})


def _coded(part: Part) -> dict:
    value = [(CLASSES.index(part.label) + 1) * LABEL_STEP, float(part.material.glossy), 0.0]
    reflectance = {'type': 'rgb', 'value': value}
    shape = _shape(part, {'type': 'diffuse', 'reflectance': reflectance})
    shape.pop('emitter', None)
    return shape


def _texture(values: np.ndarray) -> dict:
    values = np.asarray(values, np.float32)
    if values.ndim == 1:
        return {'type': 'rgb', 'value': values.tolist()}
    return {'type': 'bitmap', 'bitmap': mi.Bitmap(values), 'raw': True}


def _denoise(image: np.ndarray, albedo: np.ndarray, normal: np.ndarray) -> np.ndarray:
    color, albedo, normal = (
        np.ascontiguousarray(values[..., :3], np.float32) for values in (image, albedo, normal)
    )
    guides = dict(albedo=albedo, normal=normal, clean_aux=True)
    return pyoidn.denoise(color, hdr=True, quality='balanced', **guides)
