import cv2
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmamf.models import RefineNetHead

LEVELS = {'in_channels': [4, 6, 8, 10], 'in_index': [0, 1, 2, 3], 'num_classes': 5}


def make_pyramid(n=2):
    sizes = [(17, 21), (9, 11), (5, 6), (3, 3)]
    return [torch.randn(n, c, *size) for c, size in zip(LEVELS['in_channels'], sizes)]


@pytest.mark.parametrize('widths', [(8, 6, 6, 6), (12, 8, 6, 4)])
def test_logits_have_the_finest_resolution(widths):
    head = RefineNetHead(widths=widths, **LEVELS)
    assert head(make_pyramid()).shape == (2, 5, 17, 21)


def test_fewer_levels():
    head = RefineNetHead(widths=(8, 4), in_channels=[4, 8], in_index=[0, 2], num_classes=5)
    assert head(make_pyramid()).shape == (2, 5, 17, 21)


def test_has_no_norms_and_uses_every_parameter():
    head = RefineNetHead(widths=(8, 6, 6, 6), **LEVELS)
    kinds = {type(m) for m in head.modules() if not list(m.children())}
    assert nn.Conv2d in kinds
    assert not any('Norm' in kind.__name__ for kind in kinds)
    head(make_pyramid()).sum().backward()
    assert all(p.grad is not None for p in head.parameters())


def test_residual_unit_adds_the_rectified_input():
    """The release rectifies in place, so the sum starts from relu(x)."""
    unit = RefineNetHead(widths=(8, 6, 6, 6), **LEVELS).levels[0].adapt[0]
    x = torch.randn(1, 8, 4, 4)
    theirs = x.clone()
    out = F.relu(theirs, inplace=True)
    out = F.relu(unit.conv1(out), inplace=True)
    torch.testing.assert_close(unit(x), theirs + unit.conv2(out))


@pytest.mark.parametrize('ratio', [0.0, 1.0])
def test_dropout_covers_the_two_deepest_maps_and_the_classifier(ratio):
    head = RefineNetHead(widths=(8, 6, 6, 6), dropout_ratio=ratio, **LEVELS).train()
    dropped = []
    head.dropout.register_forward_hook(lambda module, args, out: dropped.append(args[0].shape[1]))
    out = head(make_pyramid())
    assert dropped == [10, 8, 6]  # the two deepest maps, and the last level's width
    if ratio == 1:
        bias = head.conv_seg.bias.view(1, -1, 1, 1)
        torch.testing.assert_close(out, bias.expand_as(out))


@pytest.mark.parametrize(
    ('size', 'tolerance'),
    # OpenCV's coordinates are in single precision, which only whole factors stand without loss
    [((68, 84), 1e-5), ((67, 90), 1e-3)],
)
@pytest.mark.parametrize('key', ['img_shape', 'pad_shape', 'window'])
def test_predicts_as_opencvs_cubic_interpolation(size, tolerance, key):
    head = RefineNetHead(widths=(8, 6, 6, 6), **LEVELS).eval()
    meta = {'img_shape': (9, 9), key: (*size, 3)}
    if key == 'window':  # of sliding inference
        meta = {'img_shape': torch.Size(size), 'pad_shape': (99, 99)}
    pyramid = make_pyramid()
    with torch.no_grad():
        logits = head(pyramid)
        predicted = head.predict(pyramid, [meta] * 2, None)
    assert predicted.shape == (2, 5, *size)
    for small, large in zip(logits, predicted):
        small = small.permute(1, 2, 0).numpy().copy()
        expected = cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)
        expected = torch.from_numpy(expected).permute(2, 0, 1)
        torch.testing.assert_close(large, expected, rtol=0, atol=tolerance * abs(small).max())


def test_one_width_per_level():
    with pytest.raises(ValueError, match=r'widths: expected one for each .*, got \(8, 6\)'):
        RefineNetHead(widths=(8, 6), **LEVELS)
