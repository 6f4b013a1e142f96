"""Batches whose modalities exchange nothing, and the losses of their parts."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmamf.models.folded_batch import read_presence
from mmamf.models.norms import has_part_statistics
from mmamf.models.segmentors.exchange_dropout import ExchangeDropout, join_losses

NAMES = ('a', 'b', 'c', 'd')


def make_segmentor(m: int, rate: float | None = 1.0, **kwargs) -> nn.Module:
    torch.manual_seed(0)
    cfg = dict(
        type='MultimodalSegmentor',
        backbone=dict(
            type='SharedMultimodalResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            num_modalities=m,
            fusion=dict(type='ChannelShufflePixelShiftFusion'),
        ),
        decode_head=dict(
            type='ModalityEnsembleHead',
            num_modalities=m,
            head=dict(
                type='FCNHead',
                in_channels=64,
                channels=8,
                num_convs=1,
                concat_input=False,
                in_index=3,
                num_classes=4,
                dropout_ratio=0,
                norm_cfg=dict(type='GN', num_groups=2),
                loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
            ),
        ),
        train_cfg=dict() if rate is None else dict(exchange_dropout=rate),
        test_cfg=dict(mode='whole'),
    )
    model = MODELS.build(ConfigDict({**cfg, **kwargs}))
    with torch.no_grad():  # no two modalities are equal
        for parameter in model.backbone.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def make_batch(presence: list[list[int]]) -> tuple[torch.Tensor, list[SegDataSample]]:
    torch.manual_seed(1)
    mask = torch.tensor(presence, dtype=torch.bool)
    x = torch.randn(*mask.shape, 3, 64, 64)
    x[~mask] = torch.nan
    names = NAMES[: mask.shape[1]]
    samples = []
    for index, row in enumerate(presence):
        sample = SegDataSample(
            metainfo=dict(
                modalities=names,
                present=tuple(name for name, there in zip(names, row) if there),
                img_path=f'{index}.png',
                img_shape=(64, 64),
            )
        )
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 4, (1, 64, 64)))
        samples.append(sample)
    return x.flatten(1, 2), samples


@pytest.mark.parametrize('m', [2, 3, 4])
def test_every_reading_is_in_one_part(m):
    rows = [[1] * m, [1] + [0] * (m - 1), [0] * (m - 1) + [1]]
    x, samples = make_batch(rows)
    dropout = ExchangeDropout(1, m)
    for seed in range(10):
        torch.manual_seed(seed)
        parts = list(dropout.split(x, samples))
        assert len(parts) > 1
        seen = {sample.metainfo['img_path']: [] for sample in samples}
        for inputs, members in parts:
            found = read_presence(inputs, m)
            assert torch.equal(
                ~inputs.view(len(members), m, -1).isnan().all(2), torch.tensor(found)
            )
            for planes, sample, there in zip(inputs, members, found):
                names = tuple(name for name, kept in zip(NAMES, there) if kept)
                assert names == sample.metainfo['present'] and names
                seen[sample.metainfo['img_path']] += names
                source = x[int(sample.metainfo['img_path'][0])]
                kept = ~planes.isnan()
                assert torch.equal(planes[kept], source[kept])
        for sample in samples:
            assert sorted(seen[sample.metainfo['img_path']]) == [*sample.metainfo['present']]


def test_the_batch_itself_stays():
    x, samples = make_batch([[1, 1], [1, 0]])
    before, kept = x.clone(), copy.deepcopy(samples)
    list(ExchangeDropout(1, 2).split(x, samples))
    torch.testing.assert_close(x, before, rtol=0, atol=0, equal_nan=True)
    for sample, old in zip(samples, kept):
        assert sample.metainfo == old.metainfo


def test_parts_are_drawn_at_the_rate_and_all_occur():
    torch.manual_seed(0)
    drawn = [ExchangeDropout(0.3, 3)._draw() for _ in range(1000)]
    split = [tuple(map(tuple, parts)) for parts in drawn if len(parts) > 1]
    assert 0.25 < len(split) / len(drawn) < 0.35
    blocks = {block for parts in split for block in parts}
    assert blocks == {(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)}
    assert all(sorted(sum(parts, ())) == [0, 1, 2] for parts in split)


def test_without_a_rate_nothing_is_drawn_and_nothing_changes():
    """So trainings without it have the same random numbers as before."""
    x, samples = make_batch([[1, 1], [1, 0]])
    state = torch.get_rng_state()
    (part,) = ExchangeDropout(0, 2).split(x, samples)
    assert part[0] is x and part[1] is samples
    assert torch.equal(torch.get_rng_state(), state)
    losses = dict(loss=torch.ones(()))
    assert join_losses([losses]) is losses


@pytest.mark.parametrize('rate', [-0.1, 1.5, '0.5', None])
def test_a_wrong_rate(rate):
    with pytest.raises(ValueError, match='exchange_dropout: expected a number from 0 to 1, got'):
        ExchangeDropout(rate, 2)


def test_its_losses_and_gradients_are_those_of_networks_for_one_modality():
    model = make_segmentor(2).double()
    x, samples = make_batch([[1, 1]] * 2)
    x = x.double()
    lone = []
    for index, name in enumerate('ab'):
        single = make_segmentor(1, None).double()
        state = {
            key: value.chunk(2)[index]
            if value.ndim and any(part in key for part in ('bn', 'downsample.1', 'alpha'))
            else value
            for key, value in model.state_dict().items()
            if 'part_' not in key
        }
        single.load_state_dict(state)
        own = [s.new() for s in samples]
        for sample in own:
            sample.set_metainfo(dict(modalities=(name,), present=(name,)))
        losses = single.loss(x[:, 3 * index : 3 * index + 3], own)
        losses[f'decode.{name}.loss_ce'].backward()
        lone.append((single, losses))
    losses = model.loss(x, samples)
    for name, (_, expected) in zip('ab', lone):
        for key in ('loss_ce', 'acc_seg'):
            key = f'decode.{name}.{key}'
            torch.testing.assert_close(losses[key], expected[key])
    mean = sum(expected['decode.ensemble.loss_ce'] for _, expected in lone) / 2
    torch.testing.assert_close(losses['decode.ensemble.loss_ce'], mean)
    (losses['decode.a.loss_ce'] + losses['decode.b.loss_ce']).backward()
    for key, parameter in model.named_parameters():
        parts = [dict(single.named_parameters())[key].grad for single, _ in lone]
        if 'alpha' in key:
            continue
        expected = torch.cat(parts) if parameter.shape != parts[0].shape else sum(parts)
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-6, atol=1e-9)
    for key, value in model.backbone.state_dict().items():
        if 'part_' in key:  # statistics of each modality alone
            source = key.replace('part_', 'running_')
            expected = torch.cat([single.backbone.state_dict()[source] for single, _ in lone])
            torch.testing.assert_close(value, expected)


def test_complete_batches_train_as_without_it():
    x, samples = make_batch([[1, 1]] * 2)
    model, plain = make_segmentor(2), make_segmentor(2, None)
    model.exchange_dropout.rate = 0.0
    for key, value in plain.loss(x, samples).items():
        torch.testing.assert_close(model.loss(x, samples)[key], value, rtol=0, atol=0)
    state = model.state_dict()
    for key in plain.state_dict():
        if 'running' in key:
            assert (state[key] != state[key.replace('running_', 'part_')]).any()
    assert set(state) - set(plain.state_dict()) == {key for key in state if 'part_' in key}


def test_every_parameter_has_a_gradient_in_every_part():
    """Distributed training waits for all of them."""
    model = make_segmentor(3)
    x, samples = make_batch([[1, 1, 1], [0, 0, 1]])
    for seed in range(4):
        torch.manual_seed(seed)
        model.zero_grad()
        model.parse_losses(model.loss(x, samples))[0].backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def describe(optional: bool) -> dict:
    names = [dict(name=name, channels=3, mean=[0.0] * 3, std=[1.0] * 3) for name in 'ab']
    names[1]['optional'] = optional
    return dict(type='MultimodalSegDataPreprocessor', modalities=names)


@pytest.mark.parametrize('optional', [False, True])
def test_the_default_depends_on_optional_modalities(optional):
    model = make_segmentor(2, None, data_preprocessor=describe(optional))
    assert model.exchange_dropout.rate == (0.5 if optional else 0)
    assert has_part_statistics(model.backbone.bn1) is optional
    given = make_segmentor(2, 0.25, data_preprocessor=describe(optional))
    assert given.exchange_dropout.rate == 0.25
    off = make_segmentor(2, 0, data_preprocessor=describe(True))
    assert not has_part_statistics(off.backbone.bn1)
