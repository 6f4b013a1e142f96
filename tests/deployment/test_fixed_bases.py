"""SegNeXt's head, whose predictions are random until its bases are fixed."""

import torch
from mmengine.registry import MODELS

from mmamf.deployment import fix_random_bases


def test_predictions_stop_to_change():
    head = dict(type='LightHamHead', in_channels=[6, 8], in_index=[0, 1], num_classes=3)
    head.update(channels=8, ham_channels=8, ham_kwargs=dict(MD_S=2, MD_R=4), dropout_ratio=0)
    model = MODELS.build(head).eval()
    torch.nn.init.normal_(model.conv_seg.weight)
    x = torch.randn(2, 6, 9, 8), torch.randn(2, 8, 5, 4)
    assert not torch.equal(model(x), model(x))
    state = torch.get_rng_state()
    assert fix_random_bases(model) == ['hamburger']
    assert torch.equal(torch.get_rng_state(), state)
    both = model(x)
    assert torch.equal(model(x), both)
    alone = model(tuple(level[1:] for level in x))
    torch.testing.assert_close(alone, both[1:])
    assert fix_random_bases(model) == []
