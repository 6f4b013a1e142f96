"""The guard: its score, what it catches, and that a caught modality is an absent one."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.distributions import Normal, kl_divergence

from mmamf import deploy
from mmamf.models.segmentors.sensor_guard import find_stem

NAMES, SIZE, K = ('rgb', 'depth', 'thermal'), (48, 64), 4


def build(count=2, guard=True, norm='ModalitySpecificBN', **test_cfg):
    torch.manual_seed(0)
    channels = dict(rgb=3, depth=1, thermal=1)
    described = [
        dict(name=n, channels=channels[n], mean=[0.0] * channels[n], std=[1.0] * channels[n])
        for n in NAMES[:count]
    ]
    cfg = dict(
        type='MultimodalSegmentor',
        data_preprocessor=dict(type='MultimodalSegDataPreprocessor', modalities=described),
        backbone=dict(
            type='SharedMultimodalResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            norm_cfg=dict(type=norm, **(dict(num_groups=2) if norm.endswith('GN') else {})),
            fusion=dict(type='ChannelShufflePixelShiftFusion'),
        ),
        decode_head=dict(
            type='ModalityEnsembleHead',
            head=dict(type='FCNHead', in_channels=64, in_index=3, channels=8, num_classes=K),
        ),
        train_cfg=dict(),
        test_cfg=dict(dict(mode='whole', guard=guard), **test_cfg),
    )
    model = MODELS.build(ConfigDict(cfg)).eval()
    if norm == 'ModalitySpecificBN' and count > 1:
        fit(model, count)
    return model


def draw(n, count=2):
    """Smooth images, with another mean and spread for every modality."""
    coarse = torch.randn(n, 3 * count, 6, 8)
    images = torch.nn.functional.interpolate(coarse, SIZE, mode='bilinear')
    scale = torch.linspace(0.5, 1.5, count).repeat_interleave(3).view(-1, 1, 1)
    return images * scale + scale


@torch.no_grad()
def fit(model, count):
    """Let the first norm see clean images, and take the thresholds from others."""
    stem, norm = find_stem(model.backbone)
    maps = model.backbone.batch.run(stem, draw(200, count))
    maps = maps.unflatten(0, (-1, count)).transpose(0, 1)  # (M, N, C, h, w)
    norm.running_mean.copy_(maps.mean((1, 3, 4)).flatten())
    norm.running_var.copy_(maps.var((1, 3, 4)).flatten())
    scores, _ = model.guard.rate(model.backbone, draw(200, count))
    model.guard.calibrate(scores.quantile(0.995, 0))


def make_samples(n, count=2, **meta):
    meta = dict(modalities=NAMES[:count], ori_shape=SIZE, img_shape=SIZE, img_path='a.png', **meta)
    return [SegDataSample(metainfo=dict(meta)) for _ in range(n)]


@torch.no_grad()
def test_score_is_the_divergence_and_its_unevenness():
    model, x = build(), draw(3)
    scores, presence = model.guard.rate(model.backbone, x)
    stem, norm = find_stem(model.backbone)
    assert (stem, norm) == (model.backbone.conv1, model.backbone.bn1) and presence.all()
    for n in range(3):
        for m in range(2):
            maps = stem(x[n : n + 1, 3 * m : 3 * m + 3])[0].flatten(1)
            seen = Normal(maps.mean(1), (maps.var(1, unbiased=False) + norm.eps).sqrt())
            own = slice(8 * m, 8 * m + 8)
            known = Normal(norm.running_mean[own], (norm.running_var[own] + norm.eps).sqrt())
            uneven = (seen.variance / known.variance).log().var(unbiased=False)
            expected = kl_divergence(seen, known).mean() + uneven
            torch.testing.assert_close(scores[n, m], expected)


BROKEN = dict(
    dead=lambda x: torch.zeros_like(x),
    constant=lambda x: torch.full_like(x, 1.5),
    noise=lambda x: 3 * torch.randn_like(x),
)


@pytest.mark.parametrize('kind', BROKEN)
@pytest.mark.parametrize('mode', [{}, dict(mode='slide', crop_size=(32, 32), stride=(16, 16))])
@torch.no_grad()
def test_a_broken_sensor_is_an_absent_one(kind, mode):
    model, x = build(3, **mode), draw(4, 3)
    x[1, 3:6] = BROKEN[kind](x[1, 3:6])
    x[2, 0:3] = BROKEN[kind](x[2, 0:3])
    results = model.predict(x, make_samples(4, 3))
    assert [result.left_out for result in results] == [(), ('depth',), ('rgb',), ()]
    assert results[1].present == ('rgb', 'thermal') and 'pred_sem_seg_depth' not in results[1]

    model.test_cfg.guard = False
    clean = model.predict(x, make_samples(4, 3))
    x[1, 3:6] = x[2, 0:3] = torch.nan
    samples = make_samples(4, 3)
    samples[1].set_metainfo(dict(present=('rgb', 'thermal')))
    samples[2].set_metainfo(dict(present=('depth', 'thermal')))
    expected = model.predict(x, samples)
    for result, other in zip(results, expected):
        assert torch.equal(result.seg_logits.data, other.seg_logits.data)
        assert torch.equal(result.seg_logits_thermal.data, other.seg_logits_thermal.data)
    torch.testing.assert_close(results[3].seg_logits.data, clean[3].seg_logits.data)
    assert not torch.equal(results[1].seg_logits.data, clean[1].seg_logits.data)


@torch.no_grad()
def test_deployed_networks_and_calls_without_samples():
    model, x = build(), draw(3)
    x[1, 3:6] = 0
    expected = model.predict(x.clone(), make_samples(3))
    found = deploy(model).predict(x.clone(), make_samples(3))
    bare = model.predict(x.clone())
    for one, two, three in zip(expected, found, bare):
        assert one.left_out == two.left_out
        torch.testing.assert_close(one.seg_logits.data, two.seg_logits.data, rtol=1e-4, atol=1e-4)
        assert torch.equal(one.seg_logits.data, three.seg_logits.data)
    assert [result.left_out for result in bare] == [(), ('modality1',), ()]


@torch.no_grad()
def test_one_modality_always_stays():
    model, x = build(3), draw(2, 3)
    x[0] = 50 * torch.randn_like(x[0])
    x[0, 3:6] = x[0, 3:6] / 5  # the least broken one
    x[1, :6] = torch.nan  # present is only what is broken
    x[1, 6:] = 0
    used, caught = model.guard(model.backbone, x)
    assert used.tolist() == [[False, True, False], [False, False, True]]
    assert caught.tolist() == [[True, False, True], [False, False, False]]


@torch.no_grad()
def test_padding_and_neighbors_do_not_count():
    model, x = build(), draw(3)
    x[1, 3:6] = 0
    padded = torch.nn.functional.pad(x, (0, 64, 0, 48))
    alone = model.guard.rate(model.backbone, x)[0]
    padding = dict(padding_size=[0, 64, 0, 48])
    samples = make_samples(3, **padding)
    torch.testing.assert_close(model.rate_sensors(padded, samples)[0], alone)
    mixed = make_samples(3, **padding)
    for sample in mixed:  # as mmseg notes it
        sample.set_metainfo(dict(img_shape=(96, 128), pad_shape=(96, 128)))
    mixed[2].set_metainfo(dict(padding_size=[0, 0, 0, 0]))
    padded[2] = torch.nn.functional.interpolate(x[2:3], (96, 128))[0]
    torch.testing.assert_close(model.rate_sensors(padded, mixed)[0][:2], alone[:2])
    assert [r.left_out for r in model.predict(padded, mixed)][:2] == [(), ('depth',)]


def test_thresholds_are_in_the_state_dict_only_if_there_are_some():
    model, other = build(), build(norm='ModalitySpecificGN')
    assert 'guard.threshold' in model.state_dict()
    assert 'guard.threshold' not in other.state_dict()
    copy = build()
    copy.guard.threshold = None
    copy.load_state_dict(model.state_dict())
    assert torch.equal(copy.guard.threshold, model.guard.threshold)
    state = model.state_dict()
    del state['guard.threshold']
    copy.load_state_dict(state)
    assert copy.guard.threshold is None


def test_off_by_default_and_after_training():
    model, x = build(guard=False), draw(2)
    x[0, 3:6] = 0
    with torch.no_grad():
        (first, _) = model.predict(x, make_samples(2))
    assert 'left_out' not in first and 'pred_sem_seg_depth' in first
    samples = make_samples(2)
    for sample in samples:
        sample.gt_sem_seg = first.pred_sem_seg.clone()
    model.train().loss(x, samples)
    assert model.guard.threshold is None


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: build(guard='yes'), "test_cfg.guard: expected a bool, got 'yes'"),
        (
            lambda: build(1).predict(draw(1, 1), make_samples(1, 1)),
            'guard: expected at least 2 modalities, because a broken one is left out, got 1',
        ),
        (
            lambda: build(norm='ModalitySpecificGN').predict(draw(1), make_samples(1)),
            'expected a backbone that begins with a convolution and a private batch norm, .*'
            'got SharedMultimodalResNet with ModalitySpecificGN as its first private norm',
        ),
        (
            lambda: build(norm='BN').predict(draw(1), make_samples(1)),
            'got SharedMultimodalResNet with none as its first private norm',
        ),
        (
            lambda: build().guard.calibrate(torch.ones(3)),
            r'guard.threshold: expected 2 positive numbers, .* got \[1.0, 1.0, 1.0\]',
        ),
        (
            lambda: build().guard.calibrate(torch.tensor([1.0, torch.nan])),
            'guard.threshold: expected 2 positive numbers',
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message), torch.no_grad():
        make()


def test_without_thresholds_the_command_is_named():
    model = build()
    model.guard.threshold = None
    with pytest.raises(
        ValueError, match=r'expected a checkpoint with thresholds, .*mmamf calibrate'
    ):
        model.predict(draw(1), make_samples(1))
