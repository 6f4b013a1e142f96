import math

import pytest
import torch
import torch.nn.functional as F

from mmamf.models import AlignmentFusion, fusion_losses


def naive(maps, weight=1.0):
    """Sample by sample; one (N, C, H, W) per modality in ``maps``."""
    sides = [min(side, 8) for side in maps[0].shape[2:]]
    pooled = [F.adaptive_avg_pool2d(x, sides) for x in maps]
    sets = [
        [x[n, :, i, j] for n in range(len(x)) for i in range(sides[0]) for j in range(sides[1])]
        for x in pooled
    ]
    everything = [sample for samples in sets for sample in samples]

    def mean(values):
        return sum(values) / len(values)

    def distance(a, b):
        return (a - b).square().sum().item()

    band = mean([distance(a, b) for a in everything for b in everything])

    def kernel(one, two):
        return mean(
            [
                math.exp(-distance(a, b) / (scale * band))
                for a in one
                for b in two
                for scale in (0.25, 0.5, 1, 2, 4)
            ]
        )

    pairs = [(a, b) for i, a in enumerate(sets) for b in sets[i + 1 :]]
    return weight * mean([kernel(a, a) + kernel(b, b) - 2 * kernel(a, b) for a, b in pairs])


def loss_of(maps, **kwargs):
    operator = AlignmentFusion(len(maps), **kwargs)
    x = torch.stack(maps, 1).flatten(0, 1)
    fused, _ = operator.enter(x)
    assert operator.leave(fused, None) is x
    return fusion_losses(operator)['fusion.loss_align']


@pytest.mark.parametrize('size', [(2, 3), (1, 1), (2, 12)])
@pytest.mark.parametrize('num_modalities', [2, 3])
def test_equals_the_formula(num_modalities, size):
    torch.manual_seed(0)
    maps = [torch.randn(2, 3, *size) + m for m in range(num_modalities)]
    assert loss_of(maps, weight=0.5).item() == pytest.approx(naive(maps, 0.5), rel=1e-4)


def test_tells_distributions_apart():
    torch.manual_seed(0)
    x = torch.randn(2, 4, 6, 6)
    same = [x, x.flatten(2)[..., torch.randperm(36)].view_as(x)]  # other positions
    near, far = [x, torch.randn_like(x)], [x, torch.randn_like(x) + 1]
    assert abs(loss_of(same).item()) < 1e-5
    assert loss_of(near) < 0.3 * loss_of(far) < 2
    scaled = [100 * each for each in far]
    torch.testing.assert_close(loss_of(scaled), loss_of(far), rtol=1e-4, atol=1e-5)


def test_gradient_brings_them_together_and_shrinks_nothing():
    torch.manual_seed(0)
    maps = [torch.randn(2, 4, 5, 5, requires_grad=True) for _ in range(2)]
    offset = maps[1] + 1
    offset.retain_grad()
    loss = loss_of([maps[0], offset])
    loss.backward()
    assert offset.grad.sum() > 0 > maps[0].grad.sum()
    radial = (maps[0].grad * maps[0]).sum() + (offset.grad * offset).sum()
    assert abs(radial.item()) < 1e-5


@pytest.mark.parametrize('value', [0.0, 3.0])
def test_constant_maps_are_aligned(value):
    maps = [torch.full((1, 4, 3, 3), value, requires_grad=True) for _ in range(2)]
    loss = loss_of(maps)
    loss.backward()
    assert loss.item() == 0
    assert all(x.grad.isfinite().all() for x in maps)


def test_refuses_a_negative_weight():
    with pytest.raises(ValueError, match='weight must not be negative, got -1'):
        AlignmentFusion(2, weight=-1)
