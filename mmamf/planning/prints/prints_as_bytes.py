"""Writes the print of a file as compressed JSON, and reads it back.

Unlike pickled objects, such bytes run no code, so a cache that somebody sends is safe to read.
"""

import json
import zlib
from typing import Any

from .file_prints import BandPrint, ImagePrint, LabelPrint

PAIRS = ('sentinels', 'values', 'colors')  # mappings whose keys are no texts


def pack(print_: ImagePrint | LabelPrint) -> bytes:
    """Write a print."""
    fields = dict(vars(print_))  # not asdict, which copies every number of a histogram
    if 'bands' in fields:
        fields['bands'] = [vars(band) for band in fields['bands']]
    for key in PAIRS:
        if key in fields:
            fields[key] = [*fields[key].items()]
    return zlib.compress(json.dumps(fields, separators=(',', ':')).encode(), 1)


def unpack_image(content: bytes) -> ImagePrint:
    """Read the print of an image."""
    fields = _fields(content)
    fields['bands'] = tuple(BandPrint(**band) for band in fields['bands'])
    return ImagePrint(**fields)


def unpack_label(content: bytes) -> LabelPrint:
    """Read the print of a label map."""
    return LabelPrint(**_fields(content))


def _fields(content: bytes) -> dict:
    fields = {key: _tuples(value) for key, value in json.loads(zlib.decompress(content)).items()}
    return {key: dict(value) if key in PAIRS else value for key, value in fields.items()}


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
