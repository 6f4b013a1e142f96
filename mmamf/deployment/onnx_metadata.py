"""The description of a model inside its ONNX file, as ``tools/export_onnx.py`` writes it.

The inferencer reads it without importing mmseg, so this module must not import it either.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmamf.structures.modality import Modality

METADATA = 'mmamf'  # key of the description, which is JSON
HOLES = 'mmamf_missing'  # key of the value that means a missing reading, if the graph knows one


def read_metadata(path: str | Path, properties: Mapping[str, str]) -> dict:
    """Read the description of a model that has its preprocessing inside.

    Args:
        path: The ONNX file, for messages.
        properties: The metadata of the file.

    Raises:
        ValueError: If there is no description, or the preprocessing is not inside.
    """
    if not properties.get(METADATA):
        raise ValueError(
            f'{path}: expected an ONNX file of tools/export_onnx.py, with the metadata '
            f'{METADATA!r}, got one without'
        )
    about = json.loads(properties[METADATA])
    if not about.get('preprocessing'):
        raise ValueError(
            f'{path}: expected a model with its preprocessing inside, got one without: export it '
            'again without --no-preprocessing'
        )
    return about


def describe_files(files: Modality) -> dict[str, Any]:
    """Describe the files of a modality in values of JSON."""
    selected = {} if files.bands is None else dict(bands=[*files.bands])
    limits = {} if files.valid_range is None else dict(valid_range=[*files.valid_range])
    own = {} if files.calibrated else dict(calibrated=False)
    return dict(
        name=files.name,
        channels=files.num_channels,
        dtype=files.dtype,
        missing=_as_json(files.missing),
        suffix=files.suffix,
        optional=files.optional,
        **selected,
        **limits,
        **own,
    )


def read_files(spec: Mapping) -> Modality:
    """Turn the result of :func:`describe_files` back into a description.

    The graph itself normalizes, so the description has no mean and no standard deviation.
    """
    return Modality(
        spec['name'],
        channels=spec.get('bands', spec['channels']),
        dtype=spec['dtype'],
        suffix=spec.get('suffix', ''),  # earlier versions wrote neither suffix nor optional
        missing=_as_numbers(spec.get('missing')),
        valid_range=spec.get('valid_range'),
        optional=spec.get('optional', False),
        calibrated=spec.get('calibrated', True),
    )


def _as_json(missing: float | Sequence[float] | None) -> Any:
    """Turn numbers that JSON lacks into texts: 'NaN', 'Infinity', '-Infinity'."""
    if isinstance(missing, list | tuple):
        return [_as_json(value) for value in missing]
    if missing is None or math.isfinite(missing):
        return missing
    return 'NaN' if math.isnan(missing) else f'{"-" if missing < 0 else ""}Infinity'


def _as_numbers(missing: Any) -> Any:
    """Turn the texts of :func:`_as_json` back into numbers."""
    if isinstance(missing, list):
        return [_as_numbers(value) for value in missing]
    return float(missing) if isinstance(missing, str) else missing
