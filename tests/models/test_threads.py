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

from mmamf.models.folded_batch import FoldedBatch
from mmamf.models.presence import presence_of
from mmamf.models.share_batch import SharesBatch

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
        assert all(m.presence is None for m in other.modules() if isinstance(m, SharesBatch))
        holders = {id(m.batch) for m in other.backbone.modules() if isinstance(m, SharesBatch)}
        assert len(holders) == 1 and id(model.backbone.batch) not in holders
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


def test_backward_of_an_earlier_pass_finds_its_own_mask():
    """Two more forward passes of one model before the backward pass of the first."""
    net, twin = (MODELS.build(c).train() for c in ({**RESNET, 'with_cp': True}, RESNET))
    twin.load_state_dict(net.state_dict())
    x = make_batch(1).requires_grad_()
    weights = [torch.randn(level.shape) for level in twin(make_batch(1))]
    out = net(x)
    net(make_batch(0)), net.eval()(make_batch(4)), net.train()
    for maps in (out, twin(x)):
        sum((level * w).sum() for level, w in zip(maps, weights)).backward()
    for (name, own), other in zip(net.named_parameters(), twin.parameters()):
        torch.testing.assert_close(own.grad, other.grad, msg=lambda m, n=name: f'{n}: {m}')


def look(batch):
    """What a layer sees."""
    return None if batch.presence is None else batch.presence.tolist()


def test_a_mask_of_each_thread_and_of_its_pass():
    batch, rows = FoldedBatch(2), torch.tensor([[True, False]])
    x = torch.randn(1, 4, 3, 3)
    x[:, 2:] = torch.nan
    seen = []

    def network(maps):
        seen.append(look(batch))
        thread = threading.Thread(target=lambda: seen.append(look(batch)))
        thread.start()
        thread.join()
        seen.append(look(copy.deepcopy(batch)))
        return (maps,)

    (out,) = outputs = batch.run(network, x)
    assert seen == [rows.tolist(), None, None]
    assert (out[1] == 0).all() and torch.equal(presence_of(outputs), rows)
    assert look(batch) is None  # nothing is left over
    with pytest.raises(ZeroDivisionError):
        batch.run(lambda maps: 1 / 0, x)
    assert look(batch) is None


def test_backward_in_another_thread_finds_the_mask():
    """As on a GPU, where autograd has threads of its own, and checkpointing that is not ours."""
    batch, seen = FoldedBatch(2), []

    def layer(x):
        seen.append(look(batch))
        return x.exp()  # of which autograd keeps the result

    x = torch.ones(1, 2, 1, 1)
    x[:, 1] = torch.nan
    x.requires_grad_()
    out = batch.run(lambda maps: (checkpoint(layer, maps, use_reentrant=False),), x)[0]
    thread = threading.Thread(target=out.sum().backward)
    thread.start()
    thread.join()
    assert seen == [[[True, False]]] * 2
    assert x.grad.flatten().tolist() == [torch.ones(1).exp().item(), 0]
