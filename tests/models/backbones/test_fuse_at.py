"""Fusion around modules inside every backbone that has such modules; see docs/backbones.md."""

import copy
import pickle

import pytest
import torch
from backbone_list import (
    BACKBONES,
    PLACES,
    M,
    N,
    assert_close,
    build_plain,
    build_shared,
    draw,
    outputs_of,
    randomize,
    without_dropout,
)
from mmengine.model import BaseModule
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmamf import deploy
from mmamf.models import FusionOperator, SharedMultimodalBackbone, fusion_losses
from mmamf.models.backbones.fuse_places import find_places
from mmamf.models.share_batch import exchange_within

FUSION = dict(type='ChannelShufflePixelShiftFusion')
MOBILE, MIT, SWIN = (
    BACKBONES[name] for name in ('MobileNetV2', 'MixVisionTransformer', 'SwinTransformer')
)
CONVNEXT = BACKBONES['TIMMBackbone: convnextv2_atto']
DEPTHWISE = PLACES['MobileNetV2']


class Case:
    """One backbone, without fusion and with fusion inside; all in evaluation."""

    def __init__(self, name):
        self.cfg, places = BACKBONES[name], dict(fusion=FUSION, fuse_at=PLACES[name])
        self.plain = build_plain(self.cfg)
        self.plain.eval()
        self.apart = build_shared(self.cfg, self.plain).eval()
        self.fused = build_shared(self.cfg, self.plain, **places).eval()
        self.alone = build_shared(self.cfg, self.plain, 1, **places).eval()
        self.names = find_places(self.apart.backbone, PLACES[name])
        torch.manual_seed(1)
        self.x = draw(self.cfg)
        with torch.no_grad():
            self.expected = outputs_of(self.fused(self.x))


@pytest.fixture(params=PLACES, scope='module')
def case(request):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return Case(request.param)


def assert_equal(actual, expected):
    for mine, its in zip(outputs_of(actual), outputs_of(expected), strict=True):
        assert torch.equal(mine, its)


def operators_of(model):
    return [m for m in model.modules() if isinstance(m, FusionOperator)]


def by_hand(module, operator):
    """The forward of a place, written down."""
    plain = module.forward

    def forward(x, *args):
        maps, sizes = x, [arg for arg in args if isinstance(arg, tuple | torch.Size)]
        if sizes:
            maps = x.permute(0, 2, 1).unflatten(2, sizes[0]).contiguous()
        maps, carry = operator.enter(maps)
        out = plain(maps.flatten(2).permute(0, 2, 1).contiguous() if sizes else maps, *args)
        if sizes:
            out = out.permute(0, 2, 1).unflatten(2, sizes[0]).contiguous()
        out = operator.leave(out, carry)
        return out.flatten(2).permute(0, 2, 1).contiguous() if sizes else out

    return forward


@torch.no_grad()
def test_operators_enter_and_leave_at_the_places(case):
    assert len(operators_of(case.fused)) == len(case.names) > 0
    written = copy.deepcopy(case.apart)
    operator = MODELS.build(dict(FUSION, num_modalities=M))
    for module in map(written.backbone.get_submodule, case.names):
        module.forward = by_hand(module, operator)
    assert_equal(case.expected, written(case.x))
    assert any(not torch.equal(*pair) for pair in zip(case.expected, case.apart(case.x)))


@torch.no_grad()
def test_one_modality_is_the_plain_backbone(case):
    x = case.x[:, :3]
    assert_equal(case.alone(x), case.plain(x))


def test_gradients_cross_modalities_and_no_samples(case):
    for model, crosses in ((case.fused, True), (case.apart, False)):
        x = case.x.clone().requires_grad_()
        sum(maps[0].square().sum() for maps in outputs_of(model(x))).backward()
        received = [maps.any().item() for maps in x.grad.view(N * M, -1)]
        assert received == [True, crosses] + [False] * (N - 1) * M


@torch.no_grad()
def test_absent_modalities_take_no_part(case):
    x = case.x.clone()
    x[1, 3:] = torch.nan  # the second sample has the first modality only
    result = case.fused(x)
    outputs = outputs_of(result)
    assert_close([maps[:M] for maps in outputs], [maps[:M] for maps in case.expected], 1e-4)
    lone = outputs_of(case.plain(case.x[:, :3]))
    assert_close([maps[M : M + 1] for maps in outputs], [maps[1:2] for maps in lone], 1e-3)


@torch.no_grad()
def test_exchange_only_within_parts(case):
    with exchange_within(case.fused, [[0], [1]]):
        assert_equal(case.fused(case.x), case.apart(case.x))
    with exchange_within(case.fused, [[0, 1]]):
        assert_equal(case.fused(case.x), case.expected)


@torch.no_grad()
def test_state_and_copies(case):
    assert case.fused.backbone.state_dict().keys() == case.plain.state_dict().keys()
    assert_equal(copy.deepcopy(case.fused)(case.x), case.expected)
    assert_equal(pickle.loads(pickle.dumps(case.fused))(case.x), case.expected)


@torch.no_grad()
def test_deploys(case):
    assert_close(deploy(case.fused)(case.x), case.expected, 1e-3)


@torch.no_grad()
def test_deploys_private_convolutions():
    """Their norm would be folded into the kernel if no operator left in between."""
    convs = dict(BACKBONES['ResNet'], conv_cfg=dict(type='ModalitySpecificConv'))
    model = SharedMultimodalBackbone(M, convs, FUSION, fuse_at=['layer?.1.conv1'])
    randomize(model).eval()
    x = draw(convs)
    assert_close(deploy(model)(x), model(x), 1e-3)


def test_outputs_are_fused_only_if_asked():
    inside = dict(fusion=FUSION, fuse_at=DEPTHWISE)
    assert len(operators_of(SharedMultimodalBackbone(M, MOBILE, **inside))) == 10
    both = SharedMultimodalBackbone(M, MOBILE, **inside, fusion_stages=[3])
    assert len(operators_of(both)) == 11 and len(both.fusions) == 1
    assert not operators_of(SharedMultimodalBackbone(M, MOBILE, fuse_at=DEPTHWISE))
    assert len(operators_of(SharedMultimodalBackbone(M, MOBILE, FUSION))) == 4


@pytest.mark.parametrize(
    ('cfg', 'places'), [(MOBILE, ['layer?.1.conv.1']), (MIT, ['layers.*.1.*.attn'])]
)
def test_operators_with_parameters(cfg, places, tmp_path):
    """They start as the identity, and a checkpoint may have them or not."""
    kwargs = dict(fusion=dict(type='ConcatenationFusion'), fuse_at=places)
    plain = build_plain(cfg)
    plain.eval()
    torch.save(plain.state_dict(), tmp_path / 'plain.pth')
    pretrained = dict(type='Pretrained', checkpoint=str(tmp_path / 'plain.pth'))
    own = [dict(type='Normal', layer='Conv2d', std=0.1), pretrained]
    x = draw(cfg)
    for init_cfg in (own, pretrained):
        model = SharedMultimodalBackbone(M, cfg, init_cfg=init_cfg, **kwargs)
        model.init_weights()
        apart = SharedMultimodalBackbone(M, cfg)
        apart.backbone.load_state_dict(plain.state_dict())
        assert_close(model.eval()(x), apart.eval()(x), 1e-4)
    names = find_places(apart.backbone, places)
    new = model.state_dict().keys() - apart.state_dict().keys()
    assert new == {f'inside.{name.replace(".", "-")}.mix.weight' for name in names}

    for operator in operators_of(model):
        nn.init.normal_(operator.mix.weight)
    again = SharedMultimodalBackbone(M, cfg, **kwargs)
    again.load_state_dict(model.state_dict())
    assert_equal(again.eval()(x), model(x))


@pytest.mark.parametrize(
    ('cfg', 'places'),
    [
        (MIT, ['layers.*.1.*.ffn']),
        (SWIN, ['stages.*.blocks.*.attn']),
        (dict(BACKBONES['ResNet'], norm_eval=True), ['layer?.1.conv2']),
    ],
)
def test_activation_checkpointing(cfg, places):
    """The places are inside of what backward runs again."""
    grads = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        model = SharedMultimodalBackbone(
            M, dict(cfg, with_cp=with_cp), FUSION, fuse_at=[*places]
        ).train()
        without_dropout(model)
        model.double()
        x = draw(cfg).double()
        x[1, :3] = torch.nan
        x.requires_grad_()
        sum(maps.square().sum() for maps in model(x)).backward()
        grads.append([p.grad for p in model.parameters() if p.grad is not None])
    for mine, its in zip(*grads, strict=True):
        torch.testing.assert_close(mine, its)


def test_losses():
    model = SharedMultimodalBackbone(
        M, MOBILE, dict(type='AlignmentFusion'), fuse_at=DEPTHWISE
    ).train()
    model(draw(MOBILE))
    assert fusion_losses(model).keys() == {'fusion.loss_align'}
    with pytest.raises(
        ValueError, match='the loss of AlignmentFusion would get lost.*with_cp=False'
    ):
        SharedMultimodalBackbone(
            M, dict(MIT, with_cp=True), dict(type='AlignmentFusion'), fuse_at=['layers.*.1.*']
        )


def test_operator_reads_the_last_norm_of_a_place():
    exchange = dict(type='ChannelExchangeFusion')
    model = SharedMultimodalBackbone(M, MOBILE, exchange, fuse_at=['layer2.1.conv.1', 'layer3.1'])
    depthwise, block = operators_of(model)
    assert depthwise._norm == (model.backbone.layer2[1].conv[1].bn,)
    assert block._norm == (model.backbone.layer3[1].conv[2].bn,)
    model = SharedMultimodalBackbone(M, MOBILE, exchange, fuse_at=['layer2.1.conv.1.conv'])
    with pytest.raises(ValueError, match='expected a private norm at its fusion point, got none'):
        model(draw(MOBILE))


LINEAR_MLP = dict(CONVNEXT, conv_mlp=False)


@pytest.mark.parametrize(
    ('cfg', 'places', 'message'),
    [
        (MOBILE, 'layer2', r"expected a list of names of modules, got 'layer2'"),
        (MOBILE, [], r'expected a list of names of modules, got \[\]'),
        (
            MOBILE,
            ['layer2.1.conv.1', 'layer2.1.dwconv'],
            r"'layer2.1.dwconv' fits no module of MobileNetV2; .* 'layer2.1.conv'",
        ),
        (MOBILE, ['layer2.*', 'layer?.1.conv.1'], r"'layer2.1.conv.1' is inside 'layer2.1'"),
        (MOBILE, ['layer2.1.conv.1.bn'], r"'layer2.1.conv.1.bn' is a norm"),
        (MIT, ['layers.0.1.0.ffn.layers.3'], r"ffn.layers.3' is used in several places"),
    ],
)
def test_wrong_names(cfg, places, message):
    with pytest.raises(ValueError, match=f'^fuse_at: .*{message}'):
        SharedMultimodalBackbone(M, cfg, fuse_at=places)


@pytest.mark.parametrize(
    ('cfg', 'place', 'message'),
    [
        (
            MOBILE,
            'layer2.*.conv.1',
            r"'layer2.0.conv.1' of MobileNetV2: expected an output of the shape of its input, "
            r"\(4, 48, 32, 32\), got \(4, 48, 16, 16\).* similar names first: .*'layer2.1.conv.1'",
        ),
        (SWIN, 'stages.0', r"'stages.0' .*got a tuple.*: 'stages.0.blocks.0', "),
        (
            SWIN,
            'stages.0.blocks.0.attn.w_msa',
            r'or tokens \(rows, H\*W, C\) and an argument hw_shape .*, got \(64, 16, 4\)',
        ),
        (BACKBONES['VisionTransformer'], 'layers.0', r'got \(4, 17, 16\).*first: none'),
        (
            LINEAR_MLP,
            'timm_model.stages_0.blocks.0.mlp',
            r'with a convolution or batch norm as first layer, .* got \(4, 16, 16, 8\).*\.conv_dw',
        ),
        (MOBILE, 'layer2.1.conv.1.activate', r'with a convolution or batch norm as first layer'),
        (BACKBONES['HRNet'], 'stage2.0', r'expected a tensor as first argument, got list'),
    ],
)
def test_wrong_places(cfg, place, message):
    model = SharedMultimodalBackbone(M, cfg, FUSION, fuse_at=[place])
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=f'^fuse_at: .*{message}'):
        model(draw(cfg))
    for key, value in model.state_dict().items():
        if 'timm_model' not in key and 'num_batches' not in key and 'running' not in key:
            assert torch.equal(value, before[key])


@MODELS.register_module()
class Odd(BaseModule):
    """Modules that cannot be fused, each for a reason that no backbone of mmseg has."""

    def __init__(self):
        super().__init__()
        self.windows = nn.Conv2d(3, 3, 1)
        self.changing = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 3, 1))

    def forward(self, x):
        self.windows(x.unflatten(2, (2, -1)).transpose(1, 2).flatten(0, 1))
        return [self.changing(x)]


@pytest.mark.parametrize(
    ('place', 'message'),
    [
        ('windows', r'expected one row for each map, got 2 rows \(windows or tokens\) for each'),
        ('changing', 'expected a module that does not change its input'),
    ],
)
def test_odd_places(place, message):
    with pytest.raises(ValueError, match=message):
        SharedMultimodalBackbone(M, dict(type='Odd'), FUSION, fuse_at=[place])(
            torch.randn(N, M * 3, 8, 8)
        )
