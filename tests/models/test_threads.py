"""One model in several threads: every call gives what it gives alone, whatever the others do."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from torch.utils.checkpoint import checkpoint

from mmamf.models.pass_value import PassValue
from mmamf.models.presence import presence_of

M, SIZE = 3, 40
SUBSETS = [[1, 1, 1], [1, 0, 0], [0, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 0]]
RESNET = dict(
    type='SharedMultimodalResNet',
    depth=18,
    base_channels=8,
    stem_channels=8,
    num_modalities=M,
    fusion=dict(type='ChannelShufflePixelShiftFusion'),
)
SWIN = dict(
    type='SharedMultimodalBackbone',
    num_modalities=M,
    backbone=dict(
        type='SwinTransformer',
        embed_dims=8,
        depths=[2, 1, 1, 1],
        num_heads=[1, 1, 1, 1],
        window_size=4,
        use_abs_pos_embed=False,
    ),
    fusion=dict(type='AdditionFusion'),
)
WHOLE = dict(mode='whole')
SLIDE = dict(mode='slide', crop_size=(32, 32), stride=(16, 16))


def make_model(backbone, test_cfg=WHOLE):
    torch.manual_seed(0)
    head = dict(
        type='FCNHead',
        in_channels=64,
        in_index=3,
        channels=8,
        num_convs=1,
        concat_input=False,
        num_classes=4,
        norm_cfg=dict(type='BN'),
    )
    model = MODELS.build(
        dict(
            type='MultimodalSegmentor',
            backbone=backbone,
            neck=dict(type='AdditionFusion', num_modalities=M),
            decode_head=dict(type='ModalityEnsembleHead', num_modalities=M, head=head),
            test_cfg=ConfigDict(test_cfg),
        )
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def make_batch(index):
    """Batches of 1 or 2 samples of which each lacks other modalities, or none."""
    rows = torch.tensor([SUBSETS[(index + i) % len(SUBSETS)] for i in range(1 + index % 2)])
    inputs = torch.randn(
        len(rows), M, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(index)
    )
    return inputs.masked_fill(rows[:, :, None, None, None] == 0, torch.nan).flatten(1, 2)


@torch.no_grad()
def predict(model, index):
    return torch.stack([sample.seg_logits.data for sample in model.predict(make_batch(index))])


@pytest.mark.parametrize(
    ('backbone', 'test_cfg'), [(RESNET, WHOLE), (RESNET, SLIDE), (SWIN, WHOLE)]
)
def test_threads_do_not_see_each_other(backbone, test_cfg):
    model = make_model(backbone, test_cfg)
    expected = [predict(model, index) for index in range(len(SUBSETS))]
    order = [*range(len(SUBSETS))] * 8
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda index: predict(model, index), order))
    for index, logits in zip(order, found):
        assert torch.equal(logits, expected[index])
    assert model.out_channels == 4
    assert torch.equal(predict(model, 0), expected[0])


def test_copies_start_without_a_mask():
    model = make_model(RESNET)
    expected = [predict(model, index) for index in (0, 1)]
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert all(m.presence is None for m in other.modules() if hasattr(m, 'presence'))
        assert torch.equal(predict(other, 0), expected[0])
        assert torch.equal(predict(other, 1), expected[1])


def test_two_models_keep_their_masks_for_backward():
    """Activations that are computed again see the mask of their own model."""
    nets = [MODELS.build({**RESNET, 'with_cp': True}).train() for _ in range(2)]
    inputs = [make_batch(1), make_batch(3)]
    outputs = [net(x.requires_grad_()) for net, x in zip(nets, inputs)]
    assert [presence_of(out).tolist() for out in outputs] == [
        [[row[0] == 1, row[1] == 1, row[2] == 1] for row in rows]
        for rows in ([SUBSETS[1], SUBSETS[2]], [SUBSETS[3], SUBSETS[4]])
    ]
    plain = [MODELS.build(RESNET).train() for _ in range(2)]
    for net, twin, x, out in zip(nets, plain, inputs, outputs):
        twin.load_state_dict(net.state_dict())
        weights = [torch.randn(level.shape) for level in out]
        sum((level * w).sum() for level, w in zip(out, weights)).backward()
        sum((level * w).sum() for level, w in zip(twin(x), weights)).backward()
        for (name, own), other in zip(net.named_parameters(), twin.parameters()):
            torch.testing.assert_close(own.grad, other.grad, msg=lambda m, n=name: f'{n}: {m}')


def test_a_value_of_each_thread():
    value = PassValue('none')
    value.set('first')
    seen = []

    def other():
        seen.append(value.get())
        value.set('second')
        seen.append(value.get())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == ['none', 'second'] and value.get() == 'first'
    assert copy.deepcopy(value).get() == 'none'


def test_backward_in_another_thread_reads_what_was_set():
    """As on a GPU, where autograd has threads of its own."""
    value = PassValue()
    value.set(2.0)
    seen = []

    def layer(x):
        seen.append(value.get())
        return (x * seen[-1]).exp()  # of which autograd keeps the result

    x = torch.ones(1, requires_grad=True)
    out = checkpoint(layer, x, use_reentrant=False)
    thread = threading.Thread(target=out.backward)
    thread.start()
    thread.join()
    assert seen == [2.0, 2.0]
    torch.testing.assert_close(x.grad, 2 * out.detach())
