"""Reading one image file of any format that sensors and renderers write."""

import io

import cv2
import mmcv
import numpy as np
from mmengine import fileio
from PIL import Image

# Keep the file's depth (8, 16 or 32 bits) and its number of channels; alpha is dropped and EXIF
# orientation is applied, as mmcv's color_type='color' does.
AS_STORED = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR


def read_image(path: str, backend_args: dict | None = None) -> np.ndarray:
    """Read a PNG, JPEG, TIFF, EXR or ``.npy`` file, or what else OpenCV decodes, in its own units.

    Color images come in BGR order, as mmcv reads them; ``.npy`` arrays as they were saved.

    Args:
        path: The file, local or of any mmengine file backend. ``.exr`` needs the environment
            variable ``OPENCV_IO_ENABLE_OPENEXR=1``, set before OpenCV is imported.
        backend_args: Arguments of the mmengine file backend.

    Shape:
        (H, W), or (H, W, C) with C > 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is corrupt or truncated, is no image, or holds NaN or infinity.
    """
    try:
        content = fileio.get(path, backend_args=backend_args)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'image file not found: {path}') from error
    try:
        image = _decode(path, content)
    except (cv2.error, OSError, SyntaxError, ValueError) as error:
        if 'OPENCV_IO_ENABLE_OPENEXR' in str(error):
            raise ValueError(
                f'{path} is an OpenEXR file, which OpenCV reads only if the environment variable '
                'OPENCV_IO_ENABLE_OPENEXR=1 is set before Python starts'
            ) from error
        raise ValueError(f'{path} is corrupt or truncated: {error}') from error
    if image is None:
        raise ValueError(
            f'{path} is corrupt, truncated or not an image: expected PNG, JPEG, TIFF, EXR or .npy, '
            f'got {len(content)} bytes that OpenCV cannot decode'
        )
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.ndim not in (2, 3):
        raise ValueError(f'{path}: expected an array (H, W) or (H, W, C), got shape {image.shape}')
    if image.dtype.kind == 'f':
        bad = image.size - np.isfinite(image).sum()
        if bad:
            raise ValueError(
                f'{path}: expected finite values, got NaN or infinity in {bad} of {image.size} '
                'values; write missing readings as a finite number and name it in `missing`'
            )
    return image


def _decode(path: str, content: bytes) -> np.ndarray | None:
    if path.lower().endswith('.npy'):
        return np.load(io.BytesIO(content), allow_pickle=False)
    if content[:2] == b'\xff\xd8' and b'\xff\xd9' not in content[-64:]:
        # A JPEG without its end marker, which OpenCV 4.5 returns half gray without a word. Pillow
        # raises if it is truncated, and accepts other bytes behind a whole image.
        Image.open(io.BytesIO(content)).load()
    return mmcv.imfrombytes(content, flag=AS_STORED, backend='cv2')
