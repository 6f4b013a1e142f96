import hashlib

import pytest
import torch
from torch import nn
from torch_fidelity import FeatureExtractorInceptionV3

from mmamf.evaluation import FeatureDistanceMetric, InceptionFeatures
from mmamf.evaluation.networks import inception_features

NAMES = (
    'pt_inception-2015-12-05-6726825d.pth',
    'weights-inception-2015-12-05-6726825d.pth',
)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of torch.hub."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setattr(torch.hub, '_hub_dir', None)
    folder = tmp_path / 'hub' / 'checkpoints'
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope='module')
def random_weights(tmp_path_factory):
    """A file in the format of the standard one, whose name has its SHA-256."""
    from unittest import mock

    torch.manual_seed(0)
    with (
        mock.patch.object(torch, 'load', lambda *args, **kwargs: None),
        mock.patch.object(nn.Module, 'load_state_dict', lambda *args, **kwargs: None),
    ):
        network = FeatureExtractorInceptionV3('inception-v3-compat', ['2048'], 'none')
    folder = tmp_path_factory.mktemp('inception')
    torch.save(network.state_dict(), folder / 'random.pth')
    digest = hashlib.sha256((folder / 'random.pth').read_bytes()).hexdigest()
    return (folder / 'random.pth').rename(folder / f'pt_inception-{digest[:8]}.pth')


def test_features_and_names_of_the_metrics(
    random_weights, monkeypatch, make_translated, evaluate, hub
):
    """With random weights in place of the standard ones."""
    monkeypatch.setattr(inception_features, 'URL', f'https://host/{random_weights.name}')
    network = InceptionFeatures(str(random_weights))
    images = torch.randint(0, 256, (2, 3, 40, 50), dtype=torch.uint8)
    reference = FeatureExtractorInceptionV3('inception-v3-compat', ['2048'], str(random_weights))
    assert network(images).shape == (2, 2048)
    assert torch.equal(network(images), reference(images)[0])

    (hub / random_weights.name).symlink_to(random_weights)  # found without an argument
    metric = FeatureDistanceMetric(dict(type='InceptionFeatures'), subset_size=2)
    samples = make_translated(images.float(), images.flip(0).float())
    metrics = evaluate(metric, samples)
    assert list(metrics) == ['FID', 'KID']
    assert metrics['FID'] == pytest.approx(0, abs=1e-3)  # the same set in another order


@pytest.mark.parametrize('weights', [None, 'elsewhere/inception.pth'])
def test_no_weights_file(hub, weights):
    with pytest.raises(FileNotFoundError) as info:
        FeatureDistanceMetric(dict(type='InceptionFeatures', weights=weights))
    message = str(info.value)
    places = [weights] if weights else [str(hub / name) for name in NAMES]
    assert all(place in message for place in places)
    assert f'expected the weights file {NAMES[0]}' in message
    assert 'Nothing is downloaded' in message


@pytest.mark.parametrize('name', NAMES)
def test_wrong_file(hub, name):
    (hub / name).write_bytes(b'something else')
    with pytest.raises(ValueError, match=f'{name}: .* begins with 6726825d, got the SHA-256'):
        InceptionFeatures()
