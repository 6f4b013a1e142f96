import pytest
import torch

from mmamf.models.modality_axis import (
    fold_modalities,
    is_channels_last,
    separate_modalities,
    unfold_modalities,
)


@pytest.mark.parametrize('m', [1, 2, 3])
@pytest.mark.parametrize('n', [1, 2])
def test_folding_keeps_values_and_layout(n, m):
    stacked = torch.randn(n, m * 4, 5, 6)
    folded = torch.stack([stacked[:, 4 * i : 4 * i + 4] for i in range(m)], 1).flatten(0, 1)
    assert fold_modalities(stacked, m).data_ptr() == stacked.data_ptr()
    for layout in (torch.contiguous_format, torch.channels_last):
        a, b = (x.contiguous(memory_format=layout).requires_grad_() for x in (stacked, folded))
        fold, unfold = fold_modalities(a, m), unfold_modalities(b, m)
        assert torch.equal(fold, folded) and torch.equal(unfold, stacked)
        for out, x in ((fold, a), (unfold, b)):
            assert out.is_contiguous(memory_format=layout)
            (gradient,) = torch.autograd.grad(out, x, torch.ones_like(out))
            assert gradient.stride(1) == x.stride(1)
        separate = separate_modalities(b, m)
        assert separate.shape == (n, m, 4, 5, 6) and separate.data_ptr() == b.data_ptr()


def test_ambiguous_layouts_count_as_usual():
    x = torch.zeros(2, 3, 1, 1).contiguous(memory_format=torch.channels_last)
    assert not is_channels_last(x)


@pytest.mark.parametrize('function', [unfold_modalities, separate_modalities])
def test_wrong_batch(function):
    with pytest.raises(ValueError, match='batch of 5 maps does not hold 2 modalities'):
        function(torch.zeros(5, 4, 2, 2), 2)
