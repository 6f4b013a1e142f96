"""Samples that lack modalities, from the input of a network to its predictions and losses."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.structures import SegDataSample
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mmamf.models.folded_batch import FoldedBatch
from mmamf.models.presence import presence_of
from mmamf.models.share_batch import SharesBatch, share_batch

NAMES = ('a', 'b', 'c')
FUSIONS = [
    None,
    dict(type='ChannelShufflePixelShiftFusion'),
    dict(type='ShuffleShiftAblation', symmetric=True),
    dict(type='ShuffleShiftAblation', partners='all'),
    dict(type='ShuffleShiftAblation', receivers=[0]),
    dict(type='ShuffleShiftAblation', exchange=0, shift=None),
    dict(type='AdditionFusion'),
    dict(type='AdditionFusion', average=True),
    dict(type='ConcatenationFusion'),
    dict(type='SelfAttentionFusion'),
    dict(type='SqueezeExcitationFusion'),
    dict(type='ChannelExchangeFusion', threshold=1.0),
    dict(type='AlignmentFusion'),
]
OURS = FUSIONS[1]


def make_resnet(m: int, fusion: dict | None = OURS, **kwargs) -> nn.Module:
    torch.manual_seed(0)
    options = dict(depth=18, base_channels=8, stem_channels=8, fusion=fusion)
    net = MODELS.build(
        dict(type='SharedMultimodalResNet', num_modalities=m, **{**options, **kwargs})
    )
    with torch.no_grad():  # nothing starts as the identity, or equal for two modalities
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return net


def make_segmentor(m: int, kind: str = 'MultimodalSegmentor', **kwargs) -> nn.Module:
    torch.manual_seed(0)
    head = dict(
        type='FCNHead',
        in_channels=64,
        in_index=3,
        channels=8,
        num_convs=1,
        concat_input=False,
        num_classes=4,
        dropout_ratio=0,
        norm_cfg=dict(type='BN'),
    )
    head.update(kwargs.pop('head', {}))
    cfg = dict(
        type=kind,
        backbone=dict(
            type='SharedMultimodalResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            num_modalities=m,
            fusion=OURS,
        ),
        decode_head=dict(type='ModalityEnsembleHead', num_modalities=m, head=head),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )
    cfg.update(kwargs)
    cfg = ConfigDict(cfg)
    return MODELS.build(cfg)


def make_inputs(presence: list[list[int]], size: int = 64) -> torch.Tensor:
    torch.manual_seed(1)
    mask = torch.tensor(presence, dtype=torch.bool)
    x = torch.randn(*mask.shape, 3, size, size)
    x[~mask] = torch.nan
    return x.flatten(1, 2)


def make_samples(presence: list[list[int]], size: int = 64) -> list[SegDataSample]:
    names = NAMES[: len(presence[0])]
    samples = []
    for row in presence:
        present = tuple(name for name, there in zip(names, row) if there)
        shape = dict(img_shape=(size, size), ori_shape=(size, size), pad_shape=(size, size))
        sample = SegDataSample(
            metainfo=dict(modalities=names, present=present, img_path='x.png', **shape)
        )
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 4, (1, size, size)))
        samples.append(sample)
    return samples


def subnetwork(net: nn.Module, keep: list[int], m: int) -> dict:
    """Take the weights of some modalities out of a network without layers over all."""
    state = {}
    for key, value in net.state_dict().items():
        private = any(part in key for part in ('bn', 'downsample.1', 'alpha'))
        if private and value.ndim and not key.startswith('decode_head.head'):
            value = torch.cat([value.chunk(m)[index] for index in keep])
        state[key] = value
    return state


def test_a_backbone_reads_nan_and_its_layers_know():
    net, seen = make_resnet(2), []
    layers = [m for m in net.modules() if isinstance(m, SharesBatch)]
    assert len(layers) > 20 and all(layer.batch is net.batch for layer in layers)
    net.conv1.register_forward_hook(lambda *args: seen.append((args[1][0], net.bn1.presence)))
    rows = [[1, 0], [1, 1], [0, 1]]
    presence = presence_of(net(make_inputs(rows)))
    x, mask = seen.pop()
    assert mask is presence and torch.equal(presence, torch.tensor(rows, dtype=torch.bool))
    maps = make_inputs(rows).view(6, 3, 64, 64)  # shared layers see the present ones alone
    torch.testing.assert_close(x, maps[[0, 2, 3, 5]], rtol=0, atol=0)
    whole = make_inputs([[1, 1]])
    assert presence_of(net(whole)) is None and seen.pop()[1] is None
    assert net.bn1.presence is None  # outside of a pass


def test_a_hole_is_no_absence():
    """Not even at the first pixel, or all over in one of its planes."""
    net = make_resnet(2)
    for hole in ((0, 0), (slice(None), 0), (slice(None), slice(None))):
        x = make_inputs([[1, 1]])
        x[(0, 3, *hole)] = torch.nan
        assert presence_of(net(x)) is None
    x[0, 3:] = torch.nan
    assert presence_of(net(x)).tolist() == [[True, False]]


def make_preprocessor(size_divisor=None):
    return MODELS.build(
        dict(
            type='MultimodalSegDataPreprocessor',
            modalities=[dict(name=n, channels=3, mean=[9.0] * 3, std=[2.0] * 3) for n in NAMES[:2]],
            test_cfg=size_divisor and dict(size_divisor=size_divisor),
        )
    )


class Looks(TorchDispatchMode):
    """Counts where the host would wait for a device to look at a tensor."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        looks = ('_local_scalar_dense', 'is_nonzero', 'nonzero', 'equal', 'masked_select')
        self.count += function.overloadpacket.__name__ in looks
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize('kind', ['MultimodalSegmentor', 'EncoderDecoder'])
@pytest.mark.parametrize('mode', ['whole', 'slide', 'loss'])
def test_nobody_waits_for_a_device(kind, mode):
    """The data preprocessor knows what the samples have, also of windows of an image."""
    slide = dict(mode='slide', crop_size=(48, 48), stride=(16, 16))
    model = make_segmentor(2, kind, test_cfg=slide if mode == 'slide' else dict(mode='whole'))
    model.data_preprocessor = make_preprocessor()
    samples = make_samples([[1, 1]] * 2)
    data = dict(inputs=[torch.randn(6, 64, 64) for _ in samples], data_samples=samples)
    batch = model.data_preprocessor(data, training=mode == 'loss')
    windows = []
    run = model.backbone.batch.run

    def counted(*args):
        windows.append(Looks())
        with windows[-1]:
            return run(*args)

    model.backbone.batch.run = counted
    if mode == 'loss':
        model.loss(batch['inputs'], samples)
    else:
        with torch.no_grad():
            model.eval().predict(batch['inputs'], samples)
    assert len(windows) == (4 if mode == 'slide' else 1)
    assert not any(window.count for window in windows)


def test_a_note_holds_until_somebody_writes():
    model = make_segmentor(2)
    samples = make_samples([[1, 0], [1, 1]])
    data = dict(inputs=[torch.randn(6, 64, 64) for _ in samples], data_samples=samples)
    x = make_preprocessor()(data, training=True)['inputs']
    assert x._present[1] == [[True, False], [True, True]]
    for part in (x, x[:, :, :32, 8:], x[1:], x.clone()):
        expected = [[True, False], [True, True]] if len(part) == 2 else None
        presence = presence_of(model.backbone(part))
        assert (presence if presence is None else presence.tolist()) == expected
    x[1, :3] = torch.nan
    assert presence_of(model.backbone(x)).tolist() == [[True, False], [False, True]]


@pytest.mark.filterwarnings('ignore')  # of everything that tracing fixes
@pytest.mark.parametrize('form', ['traced', 'compiled'])
@torch.no_grad()
def test_graphs_forget_the_last_batch(form):
    net = make_resnet(2).eval()
    x = make_inputs([[1, 1], [1, 1]])
    expected = net(x)
    net(make_inputs([[1, 0], [0, 1]]))
    if form == 'traced':
        graph = torch.jit.trace(net, x, check_trace=False)
    else:
        graph = torch.compile(net, backend='eager', fullgraph=True)
    for found, level in zip(graph(x), expected, strict=True):
        torch.testing.assert_close(found, level)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_maps_come_in_the_layout_and_the_dtype_of_complete_samples(layout):
    net = make_resnet(2).eval().to(memory_format=layout)
    for dtype in (torch.float32, torch.bfloat16):
        with torch.no_grad(), torch.autocast('cpu', dtype, enabled=dtype == torch.bfloat16):
            whole, lone = (
                net(make_inputs([row] * 2).contiguous(memory_format=layout))
                for row in ([1, 1], [1, 0])
            )
        for expected, found in zip(whole, lone):
            # in channels last, the fast form for complete samples computes in float32
            assert found.dtype == (expected.dtype if layout is not torch.channels_last else dtype)
            assert found.is_contiguous(memory_format=layout)


def test_nested_outputs_and_others():
    batch = FoldedBatch(2)
    x = make_inputs([[1, 0], [1, 1]])
    level, nested = batch.run(lambda maps: (maps, [maps[:, :1]]), x)
    assert level.shape == (4, 3, 64, 64) and nested[0].shape == (4, 1, 64, 64)
    assert (level[1] == 0).all() and torch.equal(level[0], x[0, :3])
    with pytest.raises(ValueError, match='lists of maps, from a backbone .* got a dict'):
        batch.run(lambda maps: dict(out=maps), x)


def test_a_sample_without_any_modality():
    with pytest.raises(ValueError, match=r'at least one modality .* samples \[1\] of the batch'):
        make_resnet(2)(make_inputs([[1, 1], [0, 0]]))


@pytest.mark.parametrize('fusion', FUSIONS, ids=str)
@pytest.mark.parametrize('m', [2, 3])
def test_a_mixed_batch_in_eval_equals_its_samples_one_by_one(fusion, m):
    rows = [[1, 0, 1], [0, 1, 1], [1, 1, 1], [0, 1, 0]]
    rows = [row[:m] for row in rows]
    net = make_resnet(m, fusion).eval()
    x = make_inputs(rows)
    with torch.no_grad():
        together = net(x)
        assert presence_of(together).tolist() == torch.tensor(rows, dtype=torch.bool).tolist()
        for index, row in enumerate(rows):
            alone = net(x[index : index + 1])
            for level, own in zip(together, alone):
                level = level[index * m : (index + 1) * m]
                there = torch.tensor(row, dtype=torch.bool)
                torch.testing.assert_close(level[there], own[there], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('fusion', [fusion for fusion in FUSIONS if fusion], ids=str)
def test_what_an_absent_modality_held_changes_nothing(fusion):
    """No operator reads the maps of an absent modality, whatever they are."""
    torch.manual_seed(0)
    operator = MODELS.build(dict(fusion, num_modalities=3, channels=10))
    nn.init.normal_(getattr(getattr(operator, 'mix', None), 'weight', torch.empty(1)))
    norm = MODELS.build(dict(type='ModalitySpecificBN', num_features=10, num_modalities=3))
    nn.init.normal_(norm.weight)
    operator.attach_norm(norm)
    mask = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 1, 1]], dtype=torch.bool)
    rows = mask.flatten()
    x = torch.randn(9, 10, 6, 7)
    other = torch.where(rows[:, None, None, None], x, 1e3 * torch.randn_like(x))
    with operator.batch.use_presence(mask):
        first, second = (operator.eval().leave(*operator.enter(maps)) for maps in (x, other))
    torch.testing.assert_close(first[rows], second[rows], rtol=0, atol=0)
    torch.testing.assert_close(first[4], x[4], rtol=0, atol=0)  # alone: the identity


@pytest.mark.parametrize('fusion', [None, *FUSIONS[1:8]], ids=str)
def test_absent_everywhere_equals_the_smaller_network(fusion):
    """M = 3 without c is M = 2 of a and b; without b and c it is M = 1 of a."""
    for keep in ([0, 1], [0], [1, 2]):
        if fusion and fusion.get('receivers') and keep == [1, 2]:
            continue
        big, small = make_resnet(3, fusion).eval(), make_resnet(len(keep), fusion).eval()
        small.load_state_dict(subnetwork(big, keep, 3))
        x = make_inputs([[int(index in keep) for index in range(3)]] * 2)
        inside = torch.cat([x[:, 3 * index : 3 * index + 3] for index in keep], dim=1)
        with torch.no_grad():
            for level, expected in zip(big(x), small(inside)):
                level = level.unflatten(0, (2, 3))[:, keep].flatten(0, 1)
                torch.testing.assert_close(level, expected, rtol=1e-4, atol=1e-5)


def test_training_without_b_equals_the_network_of_a():
    big, small = make_segmentor(2).double(), make_segmentor(1).double()
    small.load_state_dict(subnetwork(big, [0], 2))
    before = copy.deepcopy(big.state_dict())
    x, samples = make_inputs([[1, 0]] * 2).double(), make_samples([[1, 0]] * 2)
    losses = big.loss(x, samples)
    lone = [SegDataSample(metainfo=dict(s.metainfo, modalities=('a',))) for s in samples]
    for sample, source in zip(lone, samples):
        sample.gt_sem_seg = source.gt_sem_seg
    expected = small.loss(x[:, :3], lone)
    assert losses['decode.b.loss_ce'] == 0 and losses['decode.b.loss_ce'].requires_grad
    torch.testing.assert_close(losses['decode.a.loss_ce'], expected['decode.a.loss_ce'])
    for total in (losses, expected):
        sum(v for k, v in total.items() if 'loss' in k).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in big.parameters())
    gradients = dict(small.named_parameters())
    for key, parameter in big.backbone.named_parameters():
        own = gradients[f'backbone.{key}'].grad
        if parameter.shape != own.shape:
            assert (parameter.grad.chunk(2)[1] == 0).all()
        torch.testing.assert_close(parameter.grad[: len(own)], own, rtol=1e-3, atol=1e-5)
    after = big.state_dict()
    for key in after:
        if key.startswith('backbone') and 'running' in key:
            a, b = after[key].chunk(2)
            torch.testing.assert_close(a, small.state_dict()[key], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(b, before[key].chunk(2)[1], rtol=0, atol=0)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_private_statistics_are_of_present_samples_alone(layout):
    norm = MODELS.build(dict(type='ModalitySpecificBN', num_features=5, num_modalities=2))
    plain = [nn.BatchNorm2d(5), nn.BatchNorm2d(5)]
    x = (torch.randn(6, 5, 4, 4) + 3).contiguous(memory_format=layout).requires_grad_()
    with share_batch(norm, 2).use_presence(
        torch.tensor([[1, 0], [1, 1], [0, 1]], dtype=torch.bool)
    ):
        out = norm(x)
    torch.testing.assert_close(out[[0, 2]], plain[0](x[[0, 2]]))
    torch.testing.assert_close(out[[3, 5]], plain[1](x[[3, 5]]))
    assert (out[[1, 4]] == 0).all()
    out.square().sum().backward()
    assert (x.grad[[1, 4]] == 0).all() and norm.weight.grad is not None
    for name in ('running_mean', 'running_var'):
        expected = torch.cat([getattr(layer, name) for layer in plain])
        torch.testing.assert_close(getattr(norm, name), expected)
    assert norm.num_batches_tracked == 1


def test_instance_norms_need_no_mask():
    norm = MODELS.build(
        dict(type='ModalitySpecificIN', num_features=5, num_modalities=2, affine=True)
    )
    nn.init.normal_(norm.weight)
    x = torch.randn(4, 5, 4, 4)
    expected = norm(x)
    mask = torch.tensor([[True, False], [True, True]])
    with share_batch(norm, 2).use_presence(mask):
        torch.testing.assert_close(norm(x)[[0, 2, 3]], expected[[0, 2, 3]])
    kwargs = dict(num_features=5, num_modalities=2, track_running_stats=True)
    norm = MODELS.build(dict(type='ModalitySpecificIN', **kwargs))
    with share_batch(norm, 2).use_presence(mask):
        with pytest.raises(ValueError, match='ModalitySpecificIN takes its statistics from all'):
            norm(x)
        assert norm.eval()(x).isfinite().all()


def test_synchronized_statistics_are_refused():
    norm = MODELS.build(dict(type='ModalitySpecificBN', num_features=5, num_modalities=2))
    norm = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
    message = 'SyncBN takes its statistics from all maps: .* use ModalitySpecificBN'
    with share_batch(norm, 2).use_presence(torch.tensor([[True, False]])):
        with pytest.raises(ValueError, match=message):
            norm(torch.randn(2, 5, 4, 4))


@pytest.mark.parametrize(
    'test_cfg', [dict(mode='whole'), dict(mode='slide', crop_size=(48, 48), stride=(16, 16))]
)
@pytest.mark.parametrize('norm', ['BN', 'ModalitySpecificBN'])
def test_predictions_of_a_mixed_batch(test_cfg, norm):
    norm = dict(type=norm) if norm == 'BN' else dict(type=norm, num_modalities=3)
    model = make_segmentor(3, test_cfg=test_cfg, head=dict(norm_cfg=norm)).eval()
    rows = [[1, 0, 1], [0, 1, 0], [1, 1, 1]]
    x = make_inputs(rows)
    with torch.no_grad():
        together = model.predict(x, make_samples(rows))
        for index, row in enumerate(rows):
            (alone,) = model.predict(x[index : index + 1], make_samples([row]))
            result = together[index]
            got = {name for name in NAMES if f'pred_sem_seg_{name}' in result}
            assert got == {name for name, there in zip(NAMES, row) if there}
            for key in ('seg_logits', *(f'seg_logits_{name}' for name in got)):
                torch.testing.assert_close(
                    result.get(key).data, alone.get(key).data, rtol=1e-4, atol=1e-5
                )
    lone = together[1]
    torch.testing.assert_close(lone.seg_logits.data, lone.seg_logits_b.data)


def test_losses_of_a_mixed_batch_are_of_present_samples():
    model = make_segmentor(2)
    rows = [[1, 0], [1, 1], [1, 1]]
    samples = make_samples(rows)
    torch.manual_seed(3)
    model.eval()  # no statistics of the batch
    x = make_inputs(rows)
    losses, part = model.loss(x, samples), model.loss(x[1:], samples[1:])
    torch.testing.assert_close(losses['decode.b.loss_ce'], part['decode.b.loss_ce'])
    assert losses['decode.a.loss_ce'] != part['decode.a.loss_ce']
    assert losses['decode.ensemble.loss_ce'].isfinite()


def test_checkpointed_activations_and_bfloat16():
    rows = [[1, 0], [1, 1], [0, 1], [1, 1]]
    x = make_inputs(rows)
    results = []
    for with_cp in (False, True):
        net = make_resnet(2, with_cp=with_cp)
        sum(level.float().square().mean() for level in net(x)).backward()
        results.append([p.grad for p in net.parameters()])
    for plain, recomputed in zip(*results):
        torch.testing.assert_close(plain, recomputed)
    with torch.autocast('cpu', torch.bfloat16):
        losses = make_segmentor(2).loss(x, make_samples(rows))
    assert all(value.isfinite().all() for value in losses.values())


def test_a_stock_neck_and_segmentor():
    neck = dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=64, num_outs=4)
    rows = [[1, 0], [1, 1]]
    x, samples = make_inputs(rows), make_samples(rows)
    model = make_segmentor(2, neck=neck)
    assert model.loss(x, samples)['decode.b.loss_ce'] > 0
    stock = make_segmentor(2, 'EncoderDecoder', neck=neck)
    with pytest.raises(
        ValueError, match=r"expected features of \('a',\).*got features of \('a', 'b'"
    ):
        stock.loss(x, samples)
    with pytest.raises(ValueError, match='need MultimodalSegmentor'):
        stock.eval().predict(x, samples)
    stock = make_segmentor(2, 'EncoderDecoder', neck=dict(type='AdditionFusion', num_modalities=2))
    assert stock.loss(x, samples)['decode.b.loss_ce'] > 0


@pytest.mark.parametrize('rows', [[[1, 0], [1, 0]], [[1, 0], [1, 1]]])
def test_private_norms_of_a_neck(rows):
    """What an absent modality would have there enters no statistics."""
    norm = dict(type='ModalitySpecificBN', num_modalities=2)
    neck = dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=64, num_outs=4, norm_cfg=norm)
    model = make_segmentor(2, neck=neck)
    model.loss(make_inputs(rows), make_samples(rows))
    norm = model.neck.lateral_convs[0].norm
    seen = (norm.running_var.view(2, -1) != 1).any(1)
    assert seen.tolist() == [True, rows[1][1] == 1]
    model.loss(make_inputs([[1, 1], [1, 1]]), make_samples([[1, 1], [1, 1]]))
    assert (norm.running_var.view(2, -1) != 1).any(1).all()


@pytest.mark.parametrize(
    'backbone',
    [
        dict(
            type='MixVisionTransformer',
            embed_dims=8,
            num_layers=[1, 1, 1, 1],
            num_heads=[1, 1, 1, 1],
        ),
        dict(type='ResNet', depth=18, base_channels=8, stem_channels=8),
        dict(
            type='SwinTransformer',
            embed_dims=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 1, 1],
            window_size=4,
        ),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_any_backbone(backbone):
    net = MODELS.build(
        dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=backbone, fusion=OURS)
    )
    rows = [[1, 0], [1, 1], [0, 1]]
    x = make_inputs(rows)
    net.train()
    sum(level.mean() for level in net(x)).backward()
    net.eval()
    with torch.no_grad():
        together = net(x)
        for index, row in enumerate(rows):
            there = torch.tensor(row, dtype=torch.bool)
            for level, own in zip(together, net(x[index : index + 1])):
                level = level[2 * index : 2 * index + 2]
                torch.testing.assert_close(level[there], own[there], rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_a_backbone_that_returns_one_map_in_evaluation():
    ddrnet = dict(type='DDRNet', channels=4, ppm_channels=4)
    head = dict(type='DDRHead', in_channels=16, channels=8, num_classes=4, norm_cfg=dict(type='BN'))
    head['loss_decode'] = [dict(type='CrossEntropyLoss')] * 2
    model = MODELS.build(
        ConfigDict(
            type='MultimodalSegmentor',
            backbone=dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=ddrnet),
            decode_head=dict(type='ModalityEnsembleHead', num_modalities=2, head=head),
            test_cfg=dict(mode='whole'),
        )
    ).eval()
    x = make_inputs([[1, 1], [1, 0]])
    metas = [dict(img_shape=x.shape[2:])]
    with torch.no_grad():
        mixed = model.encode_decode(x, metas * 2)
        apart = [model.encode_decode(x[index : index + 1], metas) for index in range(2)]
    torch.testing.assert_close(mixed, torch.cat(apart), rtol=1e-3, atol=1e-4)


def test_time_augmentation_of_a_mixed_batch():
    model = make_segmentor(2).eval()
    tta = MMSEG_MODELS.build(dict(type='MultimodalTTAModel', module=model))
    rows = [[1, 0], [0, 1], [1, 1]]
    x = make_inputs(rows)
    views = [model.predict(x, make_samples(rows)) for _ in range(2)]
    merged = tta.merge_preds([list(pair) for pair in zip(*views)])
    for row, sample in zip(rows, merged):
        got = [name for name in NAMES if f'pred_sem_seg_{name}' in sample]
        assert got == [name for name, there in zip(NAMES, row) if there]
        if sum(row) == 1:
            member = sample.get(f'pred_sem_seg_{got[0]}').data
            assert (sample.pred_sem_seg.data == member).all()


@pytest.mark.parametrize('kind', ['MultimodalSegmentor', 'EncoderDecoder'])
@torch.no_grad()
def test_a_hole_makes_no_modality_absent(kind):
    """Behind the preprocessor holes are numbers again; also where it pads."""
    model = make_segmentor(2, kind).eval()
    model.data_preprocessor = make_preprocessor(size_divisor=32)
    image = torch.randn(6, 60, 64)
    filled = image.clone()
    image[3:, :4], filled[3:, :4] = torch.nan, 9.0
    outputs = []
    for inputs in (image, filled):
        sample = make_samples([[1, 1]])
        sample[0].set_metainfo(dict(img_shape=(60, 64), ori_shape=(60, 64)))
        batch = model.data_preprocessor(dict(inputs=[inputs], data_samples=sample))
        assert batch['inputs'].isfinite().all()
        features = model.extract_feat(batch['inputs'])
        assert presence_of(features) is None
        outputs.append(features[-1])
    assert torch.equal(*outputs) and outputs[0].isfinite().all()
