import json
import runpy
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

GOLDEN = Path(__file__).parent
TOOL = GOLDEN.parents[1] / 'tools' / 'convert_checkpoint.py'


def standard_normal(name, shape):
    """The standard normal numbers that belong to a name."""
    return np.random.RandomState(zlib.crc32(name.encode())).standard_normal(tuple(shape))


def official_value(key, shape):
    """One entry of the state dict behind the golden tensors."""
    z = standard_normal(key, shape)
    if key.endswith('num_batches_tracked'):
        return np.asarray(7)
    if key.endswith('running_mean'):
        return 0.1 * z
    if key.endswith('running_var'):
        return 1 + 0.2 * np.abs(z)
    if key == 'alpha':
        return z
    is_norm = '.bn' in key or key.startswith('bn') or 'downsample.1' in key
    is_norm = is_norm or 'insnorm' in key
    if is_norm and key.endswith('weight'):
        return (0.25 if '.bn3.' in key else 1.0) * (1 + 0.1 * z)
    if key.endswith('bias'):
        return 0.1 * z
    return z * np.sqrt(1.0 / np.prod(shape[1:]))


def make_official_state(name):
    """A whole checkpoint in the authors' format."""
    shapes = json.loads((GOLDEN / f'{name}_keys.json').read_text())
    return {
        key: torch.as_tensor(official_value(key, shape)).to(
            torch.int64 if key.endswith('num_batches_tracked') else torch.float32
        )
        for key, shape in shapes.items()
    }


@pytest.fixture(scope='session')
def official_state():
    """The R50 segmentation network."""
    return make_official_state('refinenet50')


@pytest.fixture(scope='session')
def official_generator_state():
    """The generator, with 4 filters for 2 modalities."""
    return make_official_state('unet_generator')


@pytest.fixture(scope='session')
def official_discriminator_state():
    """The discriminator, with 4 filters."""
    return make_official_state('patch_discriminator')


@pytest.fixture(scope='session')
def translation_source():
    """What the golden outputs of the generator were translated from, (1, 2*3, 256, 256)."""
    inputs = [np.tanh(standard_normal(name, (1, 3, 256, 256))) for name in ('u0', 'u1')]
    return torch.from_numpy(np.concatenate(inputs, axis=1)).float()


@pytest.fixture
def golden():
    """Load the tensors of one golden file."""

    def load(name):
        with np.load(GOLDEN / f'{name}.npz') as arrays:
            return {key: torch.from_numpy(arrays[key]) for key in arrays.files}

    return load


@pytest.fixture
def assert_close():
    """Compare with the golden tensor: the largest error relative to its largest value."""

    def check(ours, theirs, name, tolerance=1e-5):
        assert ours.shape == theirs.shape, name
        error = (ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-12)
        assert error <= tolerance, f'{name}: relative error {error:.1e}'

    return check


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Runner of tools/convert_checkpoint.py in this process, which has imported torch already."""

    def run(*args):
        monkeypatch.syspath_prepend(str(TOOL.parent))
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
        message = None
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as stop:
            message = stop.code
        return SimpleNamespace(message=message, stdout=capsys.readouterr().out)

    return run
