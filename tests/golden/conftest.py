import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

GOLDEN = Path(__file__).parent


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
    if is_norm and key.endswith('weight'):
        return (0.25 if '.bn3.' in key else 1.0) * (1 + 0.1 * z)
    if key.endswith('bias'):
        return 0.1 * z
    return z * np.sqrt(1.0 / np.prod(shape[1:]))


@pytest.fixture(scope='session')
def official_state():
    """A whole R50 checkpoint in the authors' format."""
    shapes = json.loads((GOLDEN / 'refinenet50_keys.json').read_text())
    return {
        key: torch.as_tensor(official_value(key, shape)).to(
            torch.int64 if key.endswith('num_batches_tracked') else torch.float32
        )
        for key, shape in shapes.items()
    }


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
