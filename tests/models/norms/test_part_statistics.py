"""Statistics of samples that lack modalities, in private norms."""

import copy

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from mmamf.deployment.deploy import deploy
from mmamf.models.norms import has_part_statistics, keep_part_statistics, make_norms_private
from mmamf.models.share_batch import exchange_within, share_batch

LAYOUTS = [torch.contiguous_format, torch.channels_last]
ROWS = [[1, 1], [1, 0], [0, 1], [1, 1], [1, 0]]


def make_norm(keep: bool = True) -> nn.Module:
    norm = MODELS.build(dict(type='ModalitySpecificBN', num_features=5, num_modalities=2))
    torch.manual_seed(0)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    if keep:
        keep_part_statistics(norm)
    return norm


def plain(norm: nn.Module, index: int, mean: str, var: str) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(5)
    values = {'weight': 'weight', 'bias': 'bias', 'running_mean': mean, 'running_var': var}
    state = {name: getattr(norm, source).chunk(2)[index] for name, source in values.items()}
    layer.load_state_dict(state, strict=False)
    return layer


def make_layers(norm: nn.Module) -> dict[tuple[int, bool], nn.BatchNorm2d]:
    """One plain layer for each modality in complete samples, and one in all others."""
    pairs = {True: ('running_mean', 'running_var'), False: ('part_mean', 'part_var')}
    return {(i, whole): plain(norm, i, *pair) for i in range(2) for whole, pair in pairs.items()}


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('k', [1, 3])
def test_training_and_evaluation_equal_plain_layers(layout, k):
    norm, mask = make_norm(), torch.tensor(ROWS, dtype=torch.bool)
    for name in ('part_mean', 'part_var'):
        getattr(norm, name).uniform_(0.5, 2)
    layers = make_layers(norm)
    x = torch.randn(10 * k, 5, 4, 4).contiguous(memory_format=layout) + 2
    maps = x.unflatten(0, (5, 2, k))
    for training in (True, False):
        norm.train(training)
        batch = share_batch(norm, 2)
        with batch.use_presence(mask):
            # k windows of a map are rows in a row; a layer gets them for every sample
            out = norm.apply_private(maps.transpose(1, 2).flatten(0, 2))
        out = out.unflatten(0, (5, k, 2)).transpose(1, 2)
        for (index, whole), layer in layers.items():
            rows = mask[:, index] & (mask.all(1) == whole)
            layer.train(training)
            expected = layer(maps[rows, index].flatten(0, 1))
            torch.testing.assert_close(
                out[rows, index].flatten(0, 1), expected, rtol=1e-4, atol=1e-5
            )
        if training:
            for name in ('mean', 'var'):
                for whole, prefix in ((True, 'running'), (False, 'part')):
                    own = [getattr(layers[i, whole], f'running_{name}') for i in range(2)]
                    torch.testing.assert_close(getattr(norm, f'{prefix}_{name}'), torch.cat(own))
            assert norm.num_batches_tracked == 1


def test_a_single_value_has_no_statistics():
    # for example behind a pooling to one pixel, in a batch of one complete and one other sample
    norm, x = make_norm().train(), torch.randn(4, 5, 1, 1, requires_grad=True)
    with share_batch(norm, 2).use_presence(torch.tensor([[True, True], [True, False]])):
        norm.apply_private(x).sum().backward()
    assert norm.running_mean.eq(0).all() and norm.part_mean.eq(0).all()
    assert x.grad[:3].ne(0).all() and x.grad[3].eq(0).all()
    with (
        share_batch(norm, 2).use_presence(None),
        pytest.raises(ValueError, match='more than 1 value per channel'),
    ):
        norm.apply_private(x[:2])


def test_complete_batches_are_as_without_them():
    norm, other = make_norm(), make_norm(keep=False)
    x = torch.randn(4, 5, 3, 3)
    for training in (True, False):
        torch.testing.assert_close(
            norm.train(training)(x), other.train(training)(x), rtol=0, atol=0
        )
    assert (norm.part_mean == 0).all() and (norm.running_mean != 0).all()


def test_checkpoints_with_and_without_them():
    new, old = make_norm(), make_norm(keep=False)
    new(torch.randn(4, 5, 3, 3)), old(torch.randn(4, 5, 3, 3) + 1)
    empty = make_norm(keep=False)
    load_state_dict(empty, copy.deepcopy(new.state_dict()), strict=True)
    assert has_part_statistics(empty) and torch.equal(empty.part_var, new.part_var)
    load_state_dict(new, old.state_dict(), strict=True)
    assert torch.equal(new.part_mean, old.running_mean)
    plain = nn.BatchNorm2d(5)
    plain(torch.randn(4, 5, 3, 3))
    load_state_dict(new, plain.state_dict(), strict=True)
    assert torch.equal(new.part_mean, plain.running_mean.repeat(2))


class BatchNormAct(nn.BatchNorm2d):
    """A batch norm with an activation, as timm has them."""

    def forward(self, x):
        return super().forward(x).relu()


@pytest.mark.parametrize('own', [False, True])
def test_what_a_norm_does_besides_stays(own):
    net = nn.Sequential(BatchNormAct(4))
    make_norms_private(net, 2)
    norm = net[0].eval()
    if own:
        keep_part_statistics(norm)
        norm.part_mean.normal_()
    batch = share_batch(net, 2)
    x = torch.randn(2, 2, 4, 6, 6)
    x[0, 1] = torch.nan
    (out,) = batch.run(lambda maps: [net(maps)], x.flatten(1, 2))
    for n, m in ((0, 0), (1, 0), (1, 1)):
        means = (norm.part_mean if own and n == 0 else norm.running_mean).view(2, 4)[m]
        expected = (x[n, m] - means[:, None, None]).relu()
        torch.testing.assert_close(out[2 * n + m], expected, rtol=1e-4, atol=1e-4)


def test_an_average_over_all_batches_is_refused():
    norm = make_norm(keep=False)
    norm.momentum = None
    with pytest.raises(ValueError, match='expected a number as momentum'):
        keep_part_statistics(norm)


def test_norms_without_running_statistics_have_none():
    for cfg in (dict(type='ModalitySpecificGN', num_groups=1), dict(type='ModalitySpecificLN')):
        norm = MODELS.build(dict(cfg, num_features=4, num_modalities=2))
        keep_part_statistics(norm)
        assert not has_part_statistics(norm)


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('conv', [None, dict(type='ModalitySpecificConv')])
def test_the_deployed_form_has_them(conv, layout):
    torch.manual_seed(0)
    net = MODELS.build(
        dict(
            type='SharedMultimodalResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            num_modalities=2,
            conv_cfg=conv,
            fusion=dict(type='ChannelShufflePixelShiftFusion'),
        )
    )
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            keep_part_statistics(module)
            for name in ('running_mean', 'running_var', 'part_mean', 'part_var'):
                getattr(module, name).uniform_(0.5, 1.5)
    net.eval()
    fast = deploy(net).to(memory_format=layout)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    x = torch.randn(5, 2, 3, 64, 64)
    x[~torch.tensor(ROWS, dtype=torch.bool)] = torch.nan
    x = x.flatten(1, 2).contiguous(memory_format=layout)
    with torch.no_grad():
        for level, expected in zip(fast(x), net(x)):
            torch.testing.assert_close(level, expected, rtol=1e-4, atol=1e-4)
        complete = x[[0, 3]]
        for level, expected in zip(fast(complete), net(complete)):
            torch.testing.assert_close(level, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('layout', LAYOUTS)
def test_frozen_norms_use_them_where_nothing_is_exchanged(layout):
    norm = make_norm().eval()
    norm.part_mean.normal_()
    norm.part_var.uniform_(0.5, 2)
    x = torch.randn(4, 5, 3, 3).contiguous(memory_format=layout)
    share_batch(norm, 2)
    with exchange_within(norm, [[0], [1]]), norm.batch.use_presence(None):
        found = norm(x)
    for index in range(2):
        layer = plain(norm, index, 'part_mean', 'part_var').eval()
        torch.testing.assert_close(found[index::2], layer(x[index::2]), rtol=1e-4, atol=1e-5)
