"""The graph that is exported, against the model's own test step."""

import warnings

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from mmseg.structures import SegDataSample

from mmamf.deployment import SegmentorGraph
from mmamf.models.norms import ModalitySpecificBN, keep_part_statistics

FUSION = dict(type='ChannelShufflePixelShiftFusion')


def predict(model, graph, raw):
    """What testing returns, under the names of the graph's outputs."""
    size = tuple(raw.shape[2:])
    meta = dict(modalities=graph.input_names, img_shape=size, ori_shape=size)
    samples = [SegDataSample(metainfo=dict(meta)) for _ in raw]
    with torch.no_grad():
        samples = model.test_step(dict(inputs=list(raw), data_samples=samples))
    return [torch.stack([s.get(name).data for s in samples]) for name in graph.output_names]


@pytest.mark.parametrize('head', ['FCNHead', 'RefineNetHead'])
@pytest.mark.parametrize('test_cfg', [None, dict(size_divisor=32)], ids=str)
@pytest.mark.parametrize('num_modalities', [1, 2, 3])
def test_equals_testing(make_segmentor, num_modalities, test_cfg, head):
    model = make_segmentor(num_modalities, test_cfg, head, fusion=FUSION)
    graph = SegmentorGraph(model).eval()
    raw = graph.draw_raw(2, (45, 67))
    found = graph(*graph.split_inputs(raw))
    names = ('rgb', 'depth', 'thermal')[:num_modalities]
    assert graph.input_names == names
    assert graph.output_names == ('seg_logits', *(f'seg_logits_{name}' for name in names))
    assert [i.shape[1] for i in graph.split_inputs(raw)] == [3, 1, 1][:num_modalities]
    for a, b in zip(found, predict(model, graph, raw), strict=True):
        assert (a - b).abs().max() <= 1e-5 * b.abs().max()
    alone = SegmentorGraph(model, ensemble=True).eval()
    assert alone.output_names == ('seg_logits',)
    (ensemble,) = alone(*alone.split_inputs(raw))
    assert (ensemble - found[0]).abs().max() <= 1e-5 * ensemble.abs().max()


def test_a_guard_is_not_seen_in_the_ensemble(make_segmentor):
    model = make_segmentor(2, None, 'FCNHead', fusion=FUSION)
    model.test_cfg['guard'] = True
    with pytest.raises(ValueError, match='ensemble: expected a model without guard, .*guard=True'):
        SegmentorGraph(model, ensemble=True)


@pytest.mark.parametrize('own_statistics', [False, True])
@pytest.mark.parametrize('labels', [False, True])
def test_absent_modalities(make_segmentor, labels, own_statistics):
    """NaN in, the predictions of a test out, and NaN or 255 where there are none."""
    model = make_segmentor(2, dict(size_divisor=32), fusion=FUSION)
    for norm in model.modules() if own_statistics else ():
        if isinstance(norm, ModalitySpecificBN):
            keep_part_statistics(norm)
            norm.part_mean.normal_()
            norm.part_var.uniform_(0.5, 2)
    graph = SegmentorGraph(model, labels=labels).eval()
    raw = graph.draw_raw(3, (45, 67))
    rgb, depth = graph.split_inputs(raw)
    depth, rgb = depth.clone(), rgb.clone()
    depth[1], rgb[2] = torch.nan, torch.nan
    names, size = graph.input_names, (45, 67)
    meta = dict(modalities=names, img_shape=size, ori_shape=size)
    present = [names, names[:1], names[1:]]
    samples = [SegDataSample(metainfo=dict(meta, present=there)) for there in present]
    with torch.no_grad():
        samples = model.test_step(dict(inputs=list(raw), data_samples=samples))
    blank = 255 if labels else torch.nan
    for name, found in zip(graph.output_names, graph(rgb, depth), strict=True):
        for sample, own in zip(samples, found):
            expected = sample.get(name)
            if expected is None:
                torch.testing.assert_close(own, torch.full_like(own, blank), equal_nan=True)
            elif labels:
                assert torch.equal(own.long(), expected.data[0])
            else:
                assert (own - expected.data).abs().max() <= 1e-5 * expected.data.abs().max()


def test_more_classes_than_a_label_map_can_hold(make_segmentor):
    model = make_segmentor(1)
    model.decode_head.num_classes = 256
    SegmentorGraph(model)
    with pytest.raises(ValueError, match='at most 255 classes, .* 8 bits .* got 256'):
        SegmentorGraph(model, labels=True)


def test_labels(make_segmentor):
    model = make_segmentor(2)
    graph = SegmentorGraph(model, labels=True).eval()
    raw = graph.draw_raw(2, (40, 40))
    for a, b in zip(graph(*graph.split_inputs(raw)), predict(model, graph, raw), strict=True):
        assert a.dtype == torch.uint8
        assert torch.equal(a.long(), b[:, 0])


def test_without_preprocessing_the_inputs_are_normalized(make_segmentor):
    model = make_segmentor(2)
    graph = SegmentorGraph(model, preprocessing=False).eval()
    raw = graph.draw_raw(1, (40, 40))
    inputs = graph.split_inputs(raw)
    expected = model.data_preprocessor(
        dict(inputs=list(raw), data_samples=None)  # (1, 6, 40, 40), normalized
    )['inputs']
    torch.testing.assert_close(torch.cat(inputs, 1), expected)
    for a, b in zip(graph(*inputs), predict(model, graph, raw), strict=True):
        assert (a - b).abs().max() <= 1e-5 * b.abs().max()


def test_upsampling_of_traced_graphs(make_segmentor):
    """Cubic upsampling by matrix products equals torch's."""
    model = make_segmentor(2, head='RefineNetHead')
    graph = SegmentorGraph(model).eval()
    inputs = graph.split_inputs(graph.draw_raw(1, (40, 56)))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of everything that tracing could fix
        traced = torch.jit.trace(graph, inputs, check_trace=False)
    for a, b in zip(traced(*inputs), graph(*inputs), strict=True):
        assert (a - b).abs().max() <= 1e-5 * b.abs().max()


def test_fixed_padding_is_refused(make_segmentor):
    with pytest.raises(ValueError, match=r'test_cfg: expected no size, .* got size=\(64, 64\)'):
        SegmentorGraph(make_segmentor(2, dict(size=(64, 64))))


@pytest.mark.parametrize('part', ['decode_head', 'data_preprocessor'])
def test_other_models_are_refused(make_segmentor, part):
    model = make_segmentor(2)
    setattr(model, part, torch.nn.Identity())
    with pytest.raises(ValueError, match=f'{part}: expected a M.*, got Identity'):
        SegmentorGraph(model)


@pytest.mark.parametrize('fill', [None, 0])
@pytest.mark.parametrize('preprocessing', [True, False])
@pytest.mark.parametrize('num_modalities', [1, 2])
def test_holes(segmentor_cfg, randomize, num_modalities, preprocessing, fill):
    """Missing readings, at the first pixel and in a whole band too, are as in a test."""
    cfg = segmentor_cfg(num_modalities, dict(size_divisor=32), fusion=FUSION)
    for spec in cfg['data_preprocessor']['modalities']:
        spec['fill'] = fill
    torch.manual_seed(0)
    model = randomize(MODELS.build(Config(dict(model=cfg)).model))
    graph = SegmentorGraph(model, preprocessing).eval()
    raw = graph.draw_raw(2, (45, 67))
    raw[:, :, :3], raw[0, 0] = torch.nan, torch.nan
    found = graph(*graph.split_inputs(raw))
    for a, b in zip(found, predict(model, graph, raw), strict=True):
        assert a.isfinite().all() and (a - b).abs().max() <= 1e-5 * b.abs().max()
