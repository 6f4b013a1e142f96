import math
import os
import socket
import sys

import numpy as np
import pytest
import torch
from mmengine.dist import init_dist
from mmengine.registry import MODELS
from torch import nn
from torch.nn.functional import avg_pool2d

from mmamf.evaluation import FeatureDistanceMetric


class RandomFeatures(nn.Module):
    """A fixed random network, for the weights that are not here."""

    name = 'random'

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = torch.randn(16, 3, 5, 5, generator=generator) / 5
        self.second = torch.randn(12, 16, 3, 3, generator=generator) / 8

    def forward(self, images):
        assert images.dtype == torch.uint8
        maps = torch.relu(torch.conv2d(images / 127.5 - 1, self.first, stride=2))
        return torch.relu(torch.conv2d(maps, self.second)).flatten(2).mean(2)


class FirstPixel(nn.Module):
    """Features that a test chooses: the first pixels of the image, less 128."""

    name = 'pixel'

    def forward(self, images):
        return images[:, :, 0, :2].flatten(1).float() - 128


@pytest.fixture(autouse=True)
def networks():
    """Register the two for a test only."""
    for network in (RandomFeatures, FirstPixel):
        MODELS.register_module(module=network, force=True)
    yield
    for network in (RandomFeatures, FirstPixel):
        MODELS.module_dict.pop(network.__name__)


def pictures(count: int = 48, seed: int = 0) -> torch.Tensor:
    """Pictures of random blocks."""
    blocks = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(seed)) * 255
    return blocks.repeat_interleave(6, 2).repeat_interleave(6, 3)


def blur(images: torch.Tensor, size: int) -> torch.Tensor:
    return avg_pool2d(images, size, 1, size // 2, count_include_pad=False)


def noise(images: torch.Tensor, strength: float) -> torch.Tensor:
    return (
        images + torch.randn(images.shape, generator=torch.Generator().manual_seed(9)) * strength
    ).clamp(0, 255)


def chosen(features: torch.Tensor) -> torch.Tensor:
    """Images (N, 3, 1, 2) of which FirstPixel takes these features (N, 6)."""
    return (features + 128).view(-1, 3, 1, 2)


def test_frechet_distance_of_gaussians(make_translated, evaluate):
    """d^2 = |m1 - m2|^2 + sum (s1 - s2)^2 where the covariances are diagonal."""
    # the corners of a box have exactly the box's mean, and covariances of zero
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 6)
    n = len(corners)
    s1, s2 = torch.tensor([1.0, 4, 9, 16, 25, 36]), torch.tensor([2.0, 30, 5, 16, 11, 1])
    shift = torch.tensor([1.0, 0, -7, 2, 0, 40])
    samples = make_translated(chosen(corners * s1), chosen(corners * s2 + shift))
    metrics = evaluate(FeatureDistanceMetric(dict(type='FirstPixel'), subset_size=n), samples)
    unbiased = n / (n - 1)
    expected = shift.square().sum() + unbiased * (s1 - s2).double().square().sum()
    assert metrics['FD_pixel'] == pytest.approx(expected.item(), rel=1e-10)


def test_frechet_distance_of_correlated_features(make_translated, evaluate):
    rng = np.random.default_rng(0)
    sets = [rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) * 8 for _ in range(2)]
    sets = [np.round(x).clip(-128, 127) for x in sets]
    samples = make_translated(*(chosen(torch.tensor(x)).float() for x in sets))
    metrics = evaluate(FeatureDistanceMetric(dict(type='FirstPixel'), subset_size=40), samples)
    # tr sqrt(A B) = tr sqrt(sqrt(A) B sqrt(A)), which is symmetric
    a, b = (np.cov(x.T) for x in sets)
    values, vectors = np.linalg.eigh(a)
    root = vectors * np.sqrt(values) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ b @ root)).sum()
    mean = np.square(sets[0].mean(0) - sets[1].mean(0)).sum()
    assert metrics['FD_pixel'] == pytest.approx(mean + np.trace(a + b) - 2 * cross, rel=1e-8)


def direct_kernel_distance(x: torch.Tensor, y: torch.Tensor) -> float:
    """The unbiased estimate, pair by pair."""
    n = len(x)

    def kernel(a, b):
        return ((a @ b).item() / len(a) + 1) ** 3

    same = sum(kernel(z[i], z[j]) for z in (x, y) for i in range(n) for j in range(n) if i != j)
    cross = sum(kernel(a, b) for a in x for b in y)
    return same / (n * (n - 1)) - 2 * cross / n**2


def test_kernel_distance_equals_direct_computation(make_translated, evaluate):
    truth, output = pictures(20), blur(pictures(20), 3)
    samples = make_translated(truth, output)
    metrics = evaluate(FeatureDistanceMetric(dict(type='RandomFeatures'), subset_size=20), samples)
    features = [RandomFeatures()(x.round().byte()).double() for x in (truth, output)]
    expected = 100 * direct_kernel_distance(*features)
    assert metrics['KD_random'] == pytest.approx(expected, rel=1e-6)


def test_subsets_average_to_the_whole_and_repeat(make_translated, evaluate):
    """The estimate is unbiased: smaller subsets scatter around the whole set's."""
    samples = make_translated(pictures(), blur(pictures(), 5))
    whole, part, again = (
        evaluate(FeatureDistanceMetric(dict(type='RandomFeatures'), subset_size=size), samples)
        for size in (48, 40, 40)
    )
    assert part == again
    assert part['KD_random'] == pytest.approx(whole['KD_random'], rel=0.1)
    assert part['KD_random'] != whole['KD_random']
    assert part['FD_random'] == whole['FD_random']


def test_evaluation_leaves_the_random_state_alone(make_translated, evaluate):
    metric = FeatureDistanceMetric(dict(type='RandomFeatures'), subset_size=2)
    before = torch.get_rng_state()
    evaluate(metric, make_translated(pictures(4), pictures(4, seed=1)))
    assert torch.equal(torch.get_rng_state(), before)


def test_halves_blur_and_noise_rank_in_order(make_translated, evaluate):
    truth = pictures(200)
    other = pictures(200, seed=1)  # another draw of the same set
    outputs = dict(
        blur_3=blur(other, 3),
        blur_7=blur(other, 7),
        noise_20=noise(other, 20),
        noise_80=noise(other, 80),
    )
    metric = FeatureDistanceMetric(dict(type='RandomFeatures'), subset_size=150)
    metrics = evaluate(metric, make_translated(truth, other, **outputs))
    for key in ('FD_random', 'KD_random'):
        near = abs(metrics[key])
        assert near < 0.1 * metrics[f'blur_3/{key}'] < 0.1 * metrics[f'blur_7/{key}']
        assert near < 0.1 * metrics[f'noise_80/{key}']
        assert metrics[f'noise_20/{key}'] < metrics[f'noise_80/{key}']
    same = evaluate(metric, make_translated(truth, truth))
    assert same['FD_random'] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('batch_size', [1, 3])
def test_names_and_batches(make_translated, evaluate, batch_size):
    truth = pictures(6)
    samples = make_translated(truth, blur(truth, 3), rgb=blur(truth, 5), depth=truth)
    metric = FeatureDistanceMetric(dict(type='RandomFeatures'), subset_size=6)
    metrics = evaluate(metric, samples, batch_size)
    assert list(metrics) == [
        p + k for p in ('', 'rgb/', 'depth/') for k in ('FD_random', 'KD_random')
    ]
    assert all(type(value) is float for value in metrics.values())
    assert metrics == pytest.approx(evaluate(metric, samples), rel=1e-5, abs=1e-6)
    assert metrics['depth/FD_random'] == pytest.approx(0, abs=1e-6)


def test_results_are_features_that_gather_cheaply(make_translated):
    metric = FeatureDistanceMetric(dict(type='RandomFeatures'), subset_size=2)
    (sample,) = make_translated(pictures(1), pictures(1), rgb=pictures(1))
    metric.process({}, [sample.to_dict()])
    ((truth, *others),) = (list(result.values()) for result in metric.results)
    for features in (truth, *others):
        assert features.shape == (12,)
        assert features.untyped_storage().nbytes() == 12 * 4


def test_bad_input(make_translated, evaluate):
    with pytest.raises(ValueError, match='subset_size of at least 2, got 1'):
        FeatureDistanceMetric(dict(type='RandomFeatures'), subset_size=1)
    metric = FeatureDistanceMetric(dict(type='RandomFeatures'))
    samples = make_translated(pictures(4), pictures(4))
    message = 'KD_random: expected at least subset_size=500 images, got 4; .* smaller subset_size'
    with pytest.raises(ValueError, match=message):
        evaluate(metric, samples)
    del samples[0].gt_img
    with pytest.raises(ValueError, match='0.png: expected an image in `gt_img`'):
        evaluate(metric, samples)


COUNT = 7  # two processes see four each: the last one twice


def evaluate_part(rank: int, world_size: int) -> dict[str, float]:
    """Be one of the processes that evaluate the pictures."""
    MODELS.register_module(module=RandomFeatures, force=True)
    truth, output = pictures(COUNT), blur(pictures(COUNT), 3)
    metric = FeatureDistanceMetric(dict(type='RandomFeatures'), subset_size=COUNT)
    padded = math.ceil(COUNT / world_size)
    for i in range(padded):
        index = (i * world_size + rank) % COUNT
        metric.process({}, [dict(gt_img=truth[index], fake_img=output[index])])
    return metric.evaluate(COUNT)


def test_every_sample_counts_once_in_two_processes(tmp_path, start_script):
    """Also that only the main process computes, without waiting for the other."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    outs = [tmp_path / f'{rank}.pth' for rank in range(2)]
    processes = [start_script(__file__, rank, port, out) for rank, out in enumerate(outs)]
    for process in processes:
        process.join(120)
    exit_codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert exit_codes == [0, 0]
    alone = evaluate_part(0, 1)
    for out in outs:
        assert torch.load(out) == pytest.approx(alone, rel=1e-9)


if __name__ == '__main__':
    rank, port, out = sys.argv[1:]
    os.environ.update(
        RANK=rank,
        LOCAL_RANK=rank,
        WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=port,
        CUDA_VISIBLE_DEVICES='-1',
    )
    torch.set_num_threads(1)
    init_dist('pytorch', backend='nccl')  # what configs say; gloo without a GPU
    torch.save(evaluate_part(int(rank), 2), out)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
