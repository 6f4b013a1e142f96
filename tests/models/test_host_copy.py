"""What the host keeps of tensors on a device is what the device has."""

import pytest
import torch
from mmseg.models.losses import cross_entropy_loss
from small_models import make_batch, make_optimizer, make_segmentor

from mmamf.models.host_copy import keep_on_host, on_host, places


def test_a_copy_is_valid_until_somebody_writes():
    label, own = torch.zeros(3, dtype=torch.long), torch.zeros(3, dtype=torch.uint8)
    assert on_host(label) is label  # as it is on the host itself
    keep_on_host(label, own)
    assert on_host(label) is own
    label[1] = 1
    assert on_host(label) is label


@torch.inference_mode()
def test_inference_tensors_have_copies_too():
    mask, own = torch.ones(2, dtype=torch.bool), torch.ones(2, dtype=torch.bool)
    keep_on_host(mask, own)
    assert on_host(mask) is own


def test_places_select_what_the_mask_selects():
    mask, x = torch.tensor([True, False, True]), torch.randn(3, 2)
    assert torch.equal(x[places(mask, x.device)], x[mask])


@pytest.mark.parametrize(
    ('size', 'padding', 'is_kept'), [(None, 7, True), (64, 255, True), (64, 7, False)]
)
def test_labels_are_kept_unless_their_padding_has_to_be_checked(size, padding, is_kept):
    model = make_segmentor().train()
    preprocessor = model.data_preprocessor
    preprocessor.seg_pad_val = padding
    if size:
        preprocessor.size, preprocessor.size_divisor = (size, size), None
    (sample, *_) = preprocessor(make_batch(), True)['data_samples']
    label = sample.gt_sem_seg.data
    own = on_host(label)
    assert (own is not label) == is_kept
    height, width = own.shape[1:]
    assert torch.equal(own.long(), label[:, :height, :width])
    if not is_kept:
        with pytest.raises(ValueError, match=r'expected labels from 0 to 3.*got \[7\]'):
            model.train_step(make_batch(), make_optimizer(model))


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('ignored', [0, 1, 500, 2000])
def test_pixels_counted_on_the_device_change_no_bit(ignored, dtype):
    """Against mmseg's own, which counts them with `item()`."""
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 25, 40, dtype=dtype)
    label = torch.randint(0, 4, (2, 25, 40))
    label.view(-1)[:ignored] = 255
    results = []
    mended = cross_entropy_loss.cross_entropy
    for cross_entropy in (mended, mended.__wrapped__):
        x = logits.clone().requires_grad_()
        loss = cross_entropy(x, label, ignore_index=255, avg_non_ignore=True)
        loss.backward()
        results.append((loss.detach(), x.grad))
    for mine, its in zip(*results):
        assert mine.dtype == its.dtype and torch.equal(mine, its)
