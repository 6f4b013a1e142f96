"""Batches whose modalities exchange nothing, and the losses of their parts."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmamf.models import FusionOperator
from mmamf.models.fusions import fusion_losses
from mmamf.models.norms import has_part_statistics
from mmamf.models.segmentors.exchange_dropout import ExchangeDropout
from mmamf.models.share_batch import exchange_within, share_batch

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


def test_parts_are_drawn_at_the_rate_and_all_occur():
    torch.manual_seed(0)
    drawn = [ExchangeDropout(0.3, 3).draw() for _ in range(1000)]
    split = [tuple(map(tuple, parts)) for parts in drawn if parts is not None]
    assert 0.25 < len(split) / len(drawn) < 0.35
    blocks = {block for parts in split for block in parts}
    assert blocks == {(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)}
    assert all(sorted(sum(parts, ())) == [0, 1, 2] for parts in split)


def test_without_a_rate_nothing_is_drawn():
    """So trainings without it have the same random numbers as before."""
    state = torch.get_rng_state()
    assert ExchangeDropout(0, 2).draw() is None and ExchangeDropout(1, 1).draw() is None
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize('rate', [-0.1, 1.5, '0.5', None, True])
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


def test_batches_that_exchange_train_as_without_it():
    x, samples = make_batch([[1, 1]] * 2)
    model, plain = make_segmentor(2), make_segmentor(2, None)
    model.exchange_dropout.rate = 0
    losses = model.loss(x, samples)
    for key, value in plain.loss(x, samples).items():
        torch.testing.assert_close(losses[key], value, rtol=0, atol=0)
    state = model.state_dict()
    for key in plain.state_dict():
        if 'running' in key:
            assert (state[key] != state[key.replace('running_', 'part_')]).any()
    assert set(state) - set(plain.state_dict()) == {key for key in state if 'part_' in key}


BACKBONE = dict(
    type='SharedMultimodalResNet', depth=18, base_channels=8, stem_channels=8, num_modalities=3
)
FUSIONS = [
    dict(type='ChannelShufflePixelShiftFusion'),
    dict(type='ShuffleShiftAblation', partners='all'),
    dict(type='AdditionFusion'),
    dict(type='ConcatenationFusion'),
    dict(type='SqueezeExcitationFusion'),
    dict(type='ChannelExchangeFusion', threshold=1.0),
    dict(type='AlignmentFusion'),
]


@pytest.mark.parametrize('fusion', FUSIONS, ids=str)
@pytest.mark.parametrize('blocks', ['last', 'all'])
@pytest.mark.parametrize('row', [[1, 1, 1], [1, 0, 1]])
def test_a_part_sees_nothing_of_the_others(fusion, blocks, row):
    """Its maps are those of samples that lack the others."""
    torch.manual_seed(0)
    net = MODELS.build(dict(BACKBONE, fused_blocks=blocks, fusion=fusion)).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    x, _ = make_batch([row] * 2)
    parts = [[0, 2], [1]]
    with exchange_within(net, parts), torch.no_grad():
        together = net(x)
    for part in parts:
        mask = torch.zeros(3, dtype=torch.bool)
        mask[part] = True
        mask &= torch.tensor(row, dtype=torch.bool)
        if not mask.any():
            continue
        lone = x.clone().unflatten(1, (3, 3))
        lone[:, ~mask] = torch.nan
        with torch.no_grad():
            expected = net(lone.flatten(1, 2))
        for level, own in zip(together, expected):
            level, own = (maps.unflatten(0, (2, 3))[:, mask] for maps in (level, own))
            torch.testing.assert_close(level, own, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('parts', [[[0], [1], [2]], [[0, 1], [2]]])
def test_losses_of_operators_are_kept_once(parts):
    torch.manual_seed(0)
    neck = MODELS.build(dict(type='AlignmentFusion', num_modalities=3))
    levels = [torch.randn(6, 4, 8, 8, requires_grad=True) for _ in range(2)]
    with exchange_within(neck, parts):
        neck(levels)
    losses = neck.pop_losses()
    expected = torch.zeros(())
    for level in levels if len(parts) < 3 else ():
        pair = MODELS.build(dict(type='AlignmentFusion', num_modalities=2))
        pair.leave(level.unflatten(0, (2, 3))[:, :2].flatten(0, 1), None)
        expected += pair.pop_losses()['loss_align']
    # the mean over the parts; a modality that is alone has none
    expected = expected / len(parts)
    torch.testing.assert_close(losses.get('loss_align', torch.zeros(())), expected)


@pytest.mark.parametrize('parts', [None, [[0], [1], [2]], [[0, 1], [2]]])
def test_a_loss_that_depends_on_no_map_is_counted_once(parts):
    fusion = dict(type='ChannelExchangeFusion', sparsity=1.0)
    net = MODELS.build(dict(BACKBONE, fusion=fusion))
    x, _ = make_batch([[1, 1, 1]] * 2)
    with exchange_within(net, parts):
        net(x)
    scales = [net.get_submodule(f'layer{i}.1.bn1').weight for i in range(1, 5)]
    expected = sum(scale.abs().sum() for scale in scales) / 3  # each may exchange a third
    torch.testing.assert_close(
        fusion_losses(net)['fusion.loss_sparsity'], expected, rtol=0.05, atol=0
    )


@pytest.mark.parametrize('fusion', FUSIONS, ids=str)
def test_a_part_that_no_sample_has(fusion):
    net = MODELS.build(dict(BACKBONE, fusion=fusion))
    x, _ = make_batch([[1, 0, 1]] * 2)
    with exchange_within(net, [[0, 2], [1]]):
        sum(level.square().mean() for level in net(x)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


class NormedFusion(FusionOperator):
    """An operator with a private layer inside."""

    def __init__(self, num_modalities, channels):
        super().__init__(num_modalities, channels)
        norm = dict(type='ModalitySpecificBN', num_features=channels, num_modalities=num_modalities)
        self.norm = MODELS.build(norm)

    def leave(self, x, carry):
        return self.norm(x)


@pytest.mark.parametrize('rows', [[[1, 1, 1]] * 2, [[1, 1, 1], [1, 0, 1]], [[1, 0, 1]]])
@pytest.mark.parametrize('parts', [None, [[0, 2], [1]]])
def test_an_operator_may_hold_private_layers(rows, parts):
    operator = NormedFusion(3, 3).eval()
    nn.init.normal_(operator.norm.weight)
    x, _ = make_batch(rows)
    batch = share_batch(operator, 3)
    with exchange_within(operator, parts):
        (out,) = batch.run(lambda maps: [operator.around(nn.Identity(), maps)], x)
    maps, out = x.unflatten(1, (3, 3)), out.unflatten(0, (-1, 3))
    for n, m in torch.tensor(rows).nonzero().tolist():
        expected = maps[n, m] * operator.norm.weight.view(3, 3)[m][:, None, None]
        torch.testing.assert_close(out[n, m], expected, rtol=1e-3, atol=1e-3)


def test_recomputed_activations_know_the_parts():
    gradients = []
    for with_cp in (False, True):
        model = make_segmentor(2)
        for module in model.backbone.modules():
            if hasattr(module, 'with_cp'):
                module.with_cp = with_cp
        x, samples = make_batch([[1, 1]] * 2)
        model.parse_losses(model.loss(x, samples))[0].backward()
        gradients.append([p.grad for p in model.parameters()])
    for plain, recomputed in zip(*gradients):
        torch.testing.assert_close(plain, recomputed)


@pytest.mark.parametrize('row', [[1, 1, 1], [1, 0, 1]])
def test_recomputed_activations_of_stock_backbones_know_the_parts(row):
    gradients = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        net = MODELS.build(
            dict(
                type='SharedMultimodalBackbone',
                num_modalities=3,
                backbone=dict(type='mmseg.MobileNetV2', out_indices=(1, 2), with_cp=with_cp),
                fusion=dict(type='ChannelShufflePixelShiftFusion'),
                fusion_stages=(0, 1),
            )
        )
        x, _ = make_batch([row] * 2)
        with exchange_within(net, [[0, 1], [2]]):
            outputs = net(x.requires_grad_(with_cp))
        sum(level.square().mean() for level in outputs).backward()
        gradients.append([p.grad for p in net.parameters() if p.grad is not None])
    for plain, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, recomputed, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize('fusion', FUSIONS[:3], ids=str)
def test_compiled_networks_know_larger_parts(fusion):
    net = MODELS.build(dict(BACKBONE, fusion=fusion)).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
        x, _ = make_batch([[1, 1, 1]] * 2)
        compiled = torch.compile(net, backend='eager')
        for parts in ([[0, 1], [2]], None, [[0, 2], [1]]):
            with exchange_within(net, parts):
                for level, expected in zip(compiled(x), net(x)):
                    torch.testing.assert_close(level, expected)


def test_compiled_networks_know_the_parts():
    model = make_segmentor(2)
    x, _ = make_batch([[1, 1]] * 2)
    compiled = torch.compile(model.backbone.eval(), backend='eager')
    with torch.no_grad():
        for parts in (None, [[0], [1]]):
            with exchange_within(model.backbone, parts):
                for level, expected in zip(compiled(x), model.backbone(x)):
                    torch.testing.assert_close(level, expected)


@pytest.mark.parametrize('kind', ['SyncBatchNorm', 'BatchNorm2d'])
def test_synchronized_statistics_are_refused(kind):
    model = make_segmentor(2)
    if kind == 'SyncBatchNorm':
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    x, samples = make_batch([[1, 1]] * 2)
    if kind == 'BatchNorm2d':
        model.loss(x, samples)
        return
    with pytest.raises(ValueError, match='or exchange dropout, which is the default'):
        model.loss(x, samples)


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


@pytest.mark.parametrize(('fuse_at', 'rate'), [(['layer?.1.conv2'], 0.5), (None, 0)])
def test_the_default_sees_operators_inside_any_backbone(fuse_at, rate):
    stock = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)
    backbone = dict(
        type='SharedMultimodalBackbone',
        num_modalities=2,
        backbone=stock,
        fusion=fuse_at and dict(type='ChannelShufflePixelShiftFusion'),
        fuse_at=fuse_at,
    )
    model = make_segmentor(2, None, backbone=backbone, data_preprocessor=describe(True))
    assert model.exchange_dropout.rate == rate
