"""HHA encoding of a depth map: horizontal disparity, height above ground, angle with gravity."""

import cv2
import numpy as np

# A plane is fitted in a window of (2 * radius + 1)^2 px. Gravity needs a larger, smoother window.
ANGLE_RADIUS = 3
GRAVITY_RADIUS = 10
# Degrees of each iteration. A normal that is off by fewer counts as parallel or perpendicular to
# gravity.
GRAVITY_THRESHOLDS = (45,) * 5 + (15,) * 5

DISPARITY_SCALE = 310.0  # gray levels for 1 m; proportional to 1 / depth
NEAREST = 1.0  # m; nearer points get the disparity of this depth
LEVELS_PER_METER = 100.0  # of height: one gray level is 1 cm
ANGLE_OFFSET = 38.0  # makes 90 degrees the gray level 128
GROUND_SEEN_BELOW = 0.9  # m; the lowest point is the ground if it is this far below the camera
DEFAULT_CAMERA_HEIGHT = 1.3  # m above ground, if no ground is in sight

Intrinsics = tuple[float, float, float, float]  # fx, fy, cx, cy of the camera in px


def encode_hha(depth: np.ndarray, intrinsics: Intrinsics) -> np.ndarray:
    """Encode a depth map as horizontal disparity, height above ground and angle with gravity.

    Gupta et al., Learning Rich Features from RGB-D Images for Object Detection and Segmentation,
    ECCV 2014, https://arxiv.org/abs/1407.5736. The paper scales each channel linearly to 0..255. We
    use the constants of the authors' release, github.com/s-gupta/rcnn-depth:

    - disparity = 310 / depth. Depth is in m and at least 1 m, so the disparity is 255 up to 1.2 m.
    - height above the lowest point in cm, 0 to 255. If the lowest point is less than 0.9 m below
      the camera, no ground is in sight. The ground is then assumed 1.3 m below the camera.
    - angle in degrees between gravity and the surface normal that points away from the camera,
      plus 38. So 38 is floor, 128 is wall and 218 is ceiling.

    The search for gravity starts at the camera's y axis. A frame that shows only one wall does not
    determine gravity. The lowest point is the minimum, as in the release, so one reading far below
    the ground raises all other heights. The encoding is meant for rooms.

    We differ from the release in four points:

    - A pixel without a reading is 0 in all channels. The release takes a raw and a filled depth
      map. Its plane fits skip the missing pixels of the raw map; all else uses the filled map.
    - Where the readings lie in one line, no plane fits. The angle is then 0, which means "no
      angle". The release has 218 there.
    - If several directions explain the normals equally well, we take the one nearest to the last
      estimate. The release takes the one that its eigenvalue solver returns.
    - Pixels are counted from 0; MATLAB counts from 1.

    Args:
        depth: Depth along the optical axis in m; 0 is no reading.
        intrinsics: fx, fy, cx, cy of the camera in px.

    Shape:
        - depth: (H, W)
        - output: (H, W, 3), uint8; channels in the order disparity, height, angle

    Raises:
        ValueError: If depth is not a floating-point array (H, W) of finite values >= 0, if it has
            no reading, or if the intrinsics are not four finite numbers with fx, fy > 0.
    """
    _check(depth, intrinsics)
    depth = depth.astype(np.float64)
    gravity = gravity_direction(surface_normals(depth, intrinsics, GRAVITY_RADIUS))
    normals = surface_normals(depth, intrinsics, ANGLE_RADIUS)

    read = depth > 0
    ray_x, ray_y = _rays(depth.shape, intrinsics)
    height = -depth * (gravity[0] * ray_x + gravity[1] * ray_y + gravity[2])  # over the camera
    lowest = height[read].min()
    height -= lowest if lowest <= -GROUND_SEEN_BELOW else -DEFAULT_CAMERA_HEIGHT
    angle = np.degrees(np.arccos(np.clip(normals @ gravity, -1, 1)))

    hha = np.stack(
        (
            DISPARITY_SCALE / np.maximum(depth, NEAREST),
            LEVELS_PER_METER * height,
            np.nan_to_num(angle + ANGLE_OFFSET, nan=0.0),
        ),
        axis=-1,
    )
    hha[~read] = 0
    return np.rint(np.clip(hha, 0, 255)).astype(np.uint8)


def surface_normals(depth: np.ndarray, intrinsics: Intrinsics, radius: int) -> np.ndarray:
    """Fit a plane to the readings around each pixel, and return its normal.

    The inverse depth of a plane is linear in the pixel position: it is a * u + b * v + c at the
    offset (u, v) from the window's center. The fit minimizes the squared error of inverse depth, as
    in the release of Gupta et al.

    Args:
        depth: Depth in m; 0 is no reading.
        intrinsics: fx, fy, cx, cy of the camera in px.
        radius: The window has 2 * radius + 1 px in each direction.

    Shape:
        - depth: (H, W), float64
        - output: (H, W, 3), unit vectors x, y, z that point away from the camera; NaN where the
          window has no readings or they lie in one line
    """
    offsets = np.arange(-radius, radius + 1, dtype=np.float64)

    def moment(plane: np.ndarray, p: int, q: int) -> np.ndarray:
        """Sum u^p * v^q * plane over the window; the plane is 0 outside the image."""
        return cv2.sepFilter2D(
            plane, cv2.CV_64F, offsets**p, offsets**q, borderType=cv2.BORDER_CONSTANT
        )

    read = (depth > 0).astype(np.float64)
    inverse = np.divide(1, depth, out=np.zeros_like(depth), where=depth > 0)
    n, su, sv = moment(read, 0, 0), moment(read, 1, 0), moment(read, 0, 1)
    suu, suv, svv = moment(read, 2, 0), moment(read, 1, 1), moment(read, 0, 2)
    tu, tv, t = moment(inverse, 1, 0), moment(inverse, 0, 1), moment(inverse, 0, 0)

    # Cramer's rule solves the normal equations. Their matrix holds sums of integers, so its
    # determinant is exactly 0 where they have no unique solution.
    uu, uv, u1 = svv * n - sv * sv, su * sv - suv * n, suv * sv - svv * su
    vv, v1, one = suu * n - su * su, suv * su - suu * sv, suu * svv - suv * suv
    determinant = suu * uu + suv * uv + su * u1
    a = uu * tu + uv * tv + u1 * t
    b = uv * tu + vv * tv + v1 * t
    c = u1 * tu + v1 * tv + one * t

    # nx * X + ny * Y + nz * Z = 1 is a * (x - x0) + b * (y - y0) + c = 1 / Z, where X = ray_x * Z
    fx, fy, _, _ = intrinsics
    ray_x, ray_y = _rays(depth.shape, intrinsics)
    normals = np.stack((fx * a, fy * b, c - fx * ray_x * a - fy * ray_y * b), axis=-1)
    length = np.linalg.norm(normals, axis=-1)
    # c is the inverse depth where the plane meets the pixel's ray
    length[c < 0] *= -1
    length[(determinant == 0) | (length == 0)] = np.nan
    normals /= length[..., None]
    return normals


def gravity_direction(normals: np.ndarray) -> np.ndarray:
    """Return the direction that surfaces are most parallel or perpendicular to.

    Args:
        normals: Unit vectors in camera coordinates (x right, y down, z forward); NaN is left out.

    Shape:
        - normals: (..., 3)
        - output: (3,), unit vector, downwards
    """
    normals = normals[np.isfinite(normals[..., 0])].T  # (3, points)
    direction = np.array([0.0, 1.0, 0.0])
    for degrees in GRAVITY_THRESHOLDS:
        threshold = np.radians(degrees)
        cosine = np.abs(direction @ normals)
        walls = (cosine < np.sin(threshold)).astype(np.float64)
        floors = cosine > np.cos(threshold)
        values, vectors = np.linalg.eigh((normals * (walls - floors)) @ normals.T)
        # basis of all directions that explain the normals best: a line, a plane, or all of space
        best = vectors[:, values <= values[0] + 1e-9 * normals.shape[1]]
        nearest = best @ (best.T @ direction)
        if not nearest.any():
            break
        direction = nearest / np.linalg.norm(nearest)
    return direction


def _rays(size: tuple[int, int], intrinsics: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
    """Return x of each column and y of each row at depth 1, shapes (1, W) and (H, 1)."""
    fx, fy, cx, cy = intrinsics
    return (np.arange(size[1])[None] - cx) / fx, (np.arange(size[0])[:, None] - cy) / fy


def _check(depth: np.ndarray, intrinsics: Intrinsics) -> None:
    if depth.ndim != 2 or depth.dtype.kind != 'f':
        raise ValueError(
            f'depth: expected a floating-point array (H, W) in m, got {depth.dtype} of shape '
            f'{depth.shape}'
        )
    if not np.isfinite(depth).all() or depth.min() < 0:
        raise ValueError(
            f'depth: expected finite values >= 0, got {np.min(depth)} to {np.max(depth)}'
        )
    if not depth.any():
        raise ValueError('depth: expected at least one reading, got only 0')
    if len(intrinsics) != 4 or not np.isfinite(intrinsics).all() or min(intrinsics[:2]) <= 0:
        raise ValueError(
            f'intrinsics: expected fx, fy, cx, cy in px with fx, fy > 0, got {tuple(intrinsics)}'
        )
