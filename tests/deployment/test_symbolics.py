"""What is exported for any size, by onnxruntime against PyTorch."""

import io
import warnings

import onnxruntime
import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from mmamf.deployment.symbolics import dynamic_sizes
from mmamf.models.norms import keep_part_statistics, make_norms_private
from mmamf.models.share_batch import share_batch

OPSET = 17
FUSIONS = [
    dict(type='ChannelShufflePixelShiftFusion'),
    dict(type='ShuffleShiftAblation', symmetric=True),
    dict(type='ShuffleShiftAblation', receivers=[0, 2], shift=2),
    dict(type='ShuffleShiftAblation', partners='all'),
    dict(type='AdditionFusion', average=True),
    dict(type='ConcatenationFusion'),
    dict(type='SelfAttentionFusion'),
    dict(type='SqueezeExcitationFusion'),
    dict(type='ChannelExchangeFusion', threshold=1.0),
    dict(type='AlignmentFusion'),
]


def run_exported(module, example, *inputs):
    """Export with an example, and run it on other inputs."""
    file = io.BytesIO()
    axes = {0: 'N', 2: 'H', 3: 'W'}
    with warnings.catch_warnings(), dynamic_sizes(OPSET):
        warnings.simplefilter('ignore')
        torch.onnx.export(
            module,
            (example,),
            file,
            dynamo=False,
            input_names=['x'],
            dynamic_axes=dict(x=axes),
            opset_version=OPSET,
        )
    session = onnxruntime.InferenceSession(file.getvalue(), providers=['CPUExecutionProvider'])
    return [torch.from_numpy(session.run(None, dict(x=x.numpy()))[0]) for x in inputs]


@pytest.mark.parametrize('size', [1, (2, 3), 6])
def test_pooling_to_a_size(size):
    inputs = [torch.randn(2, 3, 9, 13), torch.randn(1, 3, 5, 12), torch.randn(3, 3, 30, 40)]
    layer = nn.AdaptiveAvgPool2d(size)
    for x, found in zip(inputs, run_exported(layer, torch.randn(1, 3, 8, 8), *inputs)):
        torch.testing.assert_close(found, layer(x))


class Split(nn.Module):
    def forward(self, x):
        parts = x.unflatten(1, (2, -1)).unflatten(-1, (x.shape[3], 1))
        return parts.sum(1).reshape(parts.shape[0], parts.shape[2], -1)


def test_unflatten_fixes_no_size():
    inputs = [torch.randn(2, 6, 9, 13), torch.randn(5, 6, 4, 4)]
    for x, found in zip(inputs, run_exported(Split(), torch.randn(1, 6, 8, 8), *inputs)):
        torch.testing.assert_close(found, Split()(x))


def test_what_was_replaced_comes_back():
    from mmseg.models.backbones.swin import ShiftWindowMSA

    before = ShiftWindowMSA.window_reverse
    with pytest.raises(KeyError), dynamic_sizes(OPSET):
        assert ShiftWindowMSA.window_reverse is not before
        raise KeyError
    assert ShiftWindowMSA.window_reverse is before


class Block(nn.Module):
    """A private norm inside a fusion operator, as a backbone calls them."""

    def __init__(self, fusion, norm, num_modalities=3, own_statistics=False):
        super().__init__()
        self.num_modalities = num_modalities
        self.norm = nn.Sequential(norm)
        make_norms_private(self.norm, num_modalities)
        self.fusion = MODELS.build(dict(fusion, num_modalities=num_modalities, channels=10))
        if fusion['type'] == 'ChannelExchangeFusion':
            self.fusion.attach_norm(self.norm[0])
        for parameter in self.parameters():
            nn.init.normal_(parameter)
        if own_statistics:
            keep_part_statistics(self.norm[0])
            nn.init.normal_(self.norm[0].part_mean)
        self.batch = share_batch(self, num_modalities)

    def forward(self, x):
        return self.batch.run(self.fuse, x)[0]

    def fuse(self, x):
        return (self.fusion.around(self.norm, x),)


@pytest.mark.parametrize(
    ('fusion', 'norm', 'own_statistics'),
    [
        *((fusion, nn.BatchNorm2d(10), False) for fusion in FUSIONS),
        (FUSIONS[0], nn.BatchNorm2d(10), True),
        (FUSIONS[0], nn.InstanceNorm2d(10, affine=True), False),
        (FUSIONS[0], nn.GroupNorm(2, 10), False),
    ],
    ids=str,
)
def test_a_mixed_batch(fusion, norm, own_statistics):
    """An example that has all modalities, and batches of which samples lack some."""
    torch.manual_seed(0)
    block = Block(fusion, norm, own_statistics=own_statistics).eval()
    mask = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 1, 1], [1, 1, 0]], dtype=torch.bool)
    x = torch.randn(5, 3, 10, 7, 6)
    whole = torch.randn(2, 30, 5, 9)
    mixed = x.masked_fill(~mask[:, :, None, None, None], torch.nan).flatten(1, 2)
    with torch.no_grad():
        expected = block(mixed)
        found, other = run_exported(block, torch.randn(2, 30, 8, 8), mixed, whole)
        rows = mask.flatten()
        for a, b in ((found[rows], expected[rows]), (other, block(whole))):
            assert (a - b).abs().max() <= 1e-5 * b.abs().max()


@pytest.mark.parametrize('partners', ['next', 'all'])
def test_a_sample_without_any_modality_does_no_harm(partners):
    """A division by its number of modalities would end the process."""
    torch.manual_seed(0)
    block = Block(dict(type='ShuffleShiftAblation', partners=partners), nn.Identity())
    x = torch.randn(2, 30, 7, 6)
    lost = torch.stack([torch.full_like(x[0], torch.nan), x[1]])
    with torch.no_grad():
        found, whole = run_exported(block.eval(), torch.randn(2, 30, 8, 8), lost, x)
    torch.testing.assert_close(found[3:], whole[3:])
