"""Writes a page that runs an exported model in the browser."""

import argparse
import json
from pathlib import Path

# Import from the modules. The packages would import mmseg, which takes seconds.
from mmamf.apis.onnx_segmentor import OnnxSegmentor
from mmamf.structures.modality import Modality
from mmamf.whole_file import whole_file

from .onnx_metadata import HOLES, read_metadata
from .onnxruntime_web import read_runtime

PAGE = Path(__file__).parent / 'web'
PAGE_FILES = ('index.html', 'style.css', 'page.js')
ABOUT = 'model.json'  # the description of the model; a folder that has it is a page
DTYPES = ('uint8', 'uint16')  # what PNG holds
CHANNELS = 4  # that PNG holds at most


def export_web(args: argparse.Namespace) -> None:
    """Write the page, given the arguments of `tools/export_web.py`.

    Raises:
        FileNotFoundError: If the model does not exist.
        ValueError: If the model is no ONNX file of ``tools/export_onnx.py`` with logits, or needs
            other files than PNG and JPEG; if the folder has other files; if onnxruntime-web cannot
            be downloaded.
    """
    _check_folder(args.out)
    about = _describe(args.model)
    # the description first, so that an interrupted export can be repeated
    files = {ABOUT: json.dumps(about, indent=1).encode()}
    files |= {name: (PAGE / name).read_bytes() for name in PAGE_FILES}
    files |= {'model.onnx': args.model.read_bytes(), **read_runtime()}
    for name, content in files.items():
        with whole_file(args.out / name) as draft:
            draft.write_bytes(content)
    size = sum(map(len, files.values())) / 1e6
    print(f'wrote {args.out}, {size:.1f} MB. To open the page at http://localhost:8000:')
    print(f'  python -m http.server --bind 127.0.0.1 --directory {args.out}')


def _describe(path: Path) -> dict:
    """Read the description of a model, and refuse what the page cannot run."""
    segmentor = OnnxSegmentor(path, device='cpu')
    properties = segmentor.session.get_modelmeta().custom_metadata_map
    about = read_metadata(path, properties)
    for modality in segmentor.descriptions.values():
        _check_files(modality)
    outputs = [part.type for part in segmentor.session.get_outputs()]
    if set(outputs) != {'tensor(float)'}:
        raise ValueError(
            f'{path}: expected outputs of float32, the logits, got {outputs}: export it again '
            'without --labels'
        )
    inputs = [part.type for part in segmentor.session.get_inputs()]
    if properties.get(HOLES) != 'NaN' or set(inputs) != {'tensor(float)'}:
        raise ValueError(
            f'{path}: expected inputs of float32 in which NaN means a missing reading, got '
            f'{inputs} of an earlier version: export it again'
        )
    return about


def _check_files(modality: Modality) -> None:
    if modality.dtype not in DTYPES:
        modality.refuse(
            "dtype='uint8' or 'uint16', because the page reads PNG and JPEG", modality.dtype
        )
    needed = modality.num_channels if modality.bands is None else max(modality.bands) + 1
    if needed > CHANNELS:
        modality.refuse(f'at most {CHANNELS} channels in a file, which PNG holds', needed)


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f'{folder}: expected a folder to write the page to, got a file')
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ABOUT).is_file():
        raise ValueError(
            f'{folder}: expected a new or empty folder, or an earlier page, got one with other '
            'files'
        )
