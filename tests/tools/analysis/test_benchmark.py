"""tools/analysis/benchmark.py at a tiny size, and the networks that it compares ours with."""

import json

import pytest
import torch
from mmengine.registry import init_default_scope

from mmamf.models import SharedMultimodalResNet

FUSION = {'type': 'ChannelShufflePixelShiftFusion'}
SMALL = {'base_channels': 8, 'stem_channels': 8}


def randomize(model):
    torch.manual_seed(0)
    for key, value in model.state_dict().items():
        if value.is_floating_point() and ('bn' in key or 'downsample.1' in key):
            value.copy_(torch.rand_like(value) + 0.5)
    return model


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('num_modalities', [1, 2, 3])
@pytest.mark.parametrize('training', [False, True])
def test_loop_computes_the_same(tool, depth, num_modalities, training):
    ours = randomize(SharedMultimodalResNet(depth, num_modalities, fusion=FUSION, **SMALL))
    loop = tool('mmamf.benchmarks.baselines').LoopResNet(depth, num_modalities, **SMALL)
    loop.load_ours(ours.state_dict())
    ours, loop = ours.double().train(training), loop.double().train(training)
    x = torch.randn(2, 3 * num_modalities, 40, 33, dtype=torch.double)
    outs, theirs = ours(x), loop(x)
    for level, (maps, by_modality) in enumerate(zip(outs, theirs, strict=True)):
        torch.testing.assert_close(maps, torch.stack(by_modality, 1).flatten(0, 1), msg=str(level))
    if not training:
        return
    outs[-1].sin().sum().backward()
    sum(maps.sin().sum() for maps in theirs[-1]).backward()
    torch.testing.assert_close(ours.conv1.weight.grad, loop.resnet.conv1.weight.grad)


def test_loop_segmentor_computes_the_same(tool):
    init_default_scope('mmseg')
    networks = tool('mmamf.benchmarks.networks')
    cell = networks.Cell('segmentor', 18, 33, 40, 1, 'inference', 'float32')
    ours, loop = (networks.build(cell, networks.Form(name)) for name in ('ours', 'loop'))
    loop.backbone.load_ours(ours.backbone.state_dict())
    loop.head.load_state_dict(ours.decode_head.head.state_dict())
    x = networks.make_inputs(cell, networks.Form('ours'))
    with torch.no_grad():
        torch.testing.assert_close(loop(x), ours(x), rtol=1e-4, atol=1e-4)


def test_separate_networks_see_their_modality(tool):
    networks = tool('mmamf.benchmarks.baselines').SeparateNetworks(
        lambda: torch.nn.Conv2d(3, 2, 1), 2
    )
    x = torch.randn(1, 6, 4, 4)
    first, second = networks(x)
    assert torch.equal(first, networks.networks[0](x[:, :3]))
    assert torch.equal(second, networks.networks[1](x[:, 3:]))


def test_layouts_of_the_inputs(tool):
    networks = tool('mmamf.benchmarks.networks')
    cell = networks.Cell.parse('encoder-r18-40x32-b2-training-float32')
    assert cell.name == 'encoder-r18-40x32-b2-training-float32'
    plain = networks.make_inputs(cell, networks.Form('plain', 'channels_last'))
    assert plain.shape == (4, 3, 32, 40)
    assert plain.is_contiguous(memory_format=torch.channels_last)
    ours = networks.make_inputs(cell, networks.Form('ours'))
    assert torch.equal(ours.view(4, 3, 32, 40), plain)


def test_benchmark_keeps_what_it_measured(tool, tmp_path, capsys):
    arguments = ['--quick', '--repeats', '1', '--out', str(tmp_path)]
    benchmark, main = tool('mmamf.benchmarks.speed'), tool('benchmark').main
    main(arguments)
    measured = json.loads((tmp_path / 'performance.json').read_text())
    assert list(measured) == [benchmark.machine()]
    (result,) = measured[benchmark.machine()].values()
    assert result['complexity']['ours'] == result['complexity']['loop']
    assert all(len(rounds) == 1 for rounds in result['seconds'].values())
    assert {'ours/channels_last/deployed', 'ours/contiguous/onnxruntime'} <= set(result['seconds'])
    table = capsys.readouterr().out
    assert 'encoder-r18-32x32-b1-inference-float32 |' in table and 'memory: ours / loop' in table
    assert (tmp_path / 'performance.png').stat().st_size > 1000

    measure, benchmark.measure = benchmark.measure, None  # nothing is measured again
    main(arguments)

    # but what another machine measured counts for that one alone
    benchmark.machine, benchmark.measure = lambda: 'another', lambda *args: result
    capsys.readouterr()
    main(arguments)
    benchmark.measure = measure
    table = capsys.readouterr().out
    assert table.count('encoder-r18-32x32-b1-inference-float32 |') == 2
    assert 'Measured on: another.' in table


@pytest.mark.parametrize('part', ['encoder', 'segmentor'])
def test_onnxruntime_computes_the_same(tool, part):
    init_default_scope('mmseg')
    networks = tool('mmamf.benchmarks.networks')
    cell = networks.Cell(part, 18, 70, 45, 1, 'inference', 'float32')
    forms = networks.forms_of(cell, compiled=False)
    assert [form for form in forms if form.how == 'onnxruntime']
    ours, onnx = (
        networks.build(cell, networks.Form('ours', how=how)) for how in ('eager', 'onnxruntime')
    )
    x = networks.make_inputs(cell, networks.Form('ours'))
    with torch.no_grad():
        expected = ours(x)
    expected = [expected] if isinstance(expected, torch.Tensor) else list(expected)
    torch.testing.assert_close(onnx(x), expected, rtol=1e-4, atol=1e-4)


def test_onnxruntime_is_for_inference_where_it_is_installed(tool, monkeypatch):
    networks, onnx = tool('mmamf.benchmarks.networks'), tool('mmamf.benchmarks.onnx_network')
    cell = networks.Cell('encoder', 18, 32, 32, 1, 'inference', 'float32')

    def has_onnx(cell):
        return 'onnxruntime' in [form.how for form in networks.forms_of(cell, compiled=False)]

    assert not has_onnx(cell._replace(mode='training'))
    monkeypatch.setattr(onnx, 'find_spec', lambda name: None)
    assert not has_onnx(cell)


def test_memory_of_a_training_step(tool):
    networks, task = tool('mmamf.benchmarks.networks'), tool('mmamf.benchmarks.task')
    cell = networks.Cell('encoder', 18, 64, 64, 1, 'training', 'bf16')
    step = task.Task(cell, networks.Form('ours'))
    weights = sum(p.numel() * p.element_size() for p in step.network.parameters())
    assert task.peak_memory(step) > weights / 2**20  # their gradients


@pytest.mark.parametrize(
    'wrong', [('--parts', 'head'), ('--modes', 'train'), ('--precisions', 'fp16')], ids=str
)
def test_what_is_not_known_is_not_measured(tool, capsys, wrong):
    with pytest.raises(SystemExit):
        tool('benchmark').parse_args(list(wrong))
    assert 'invalid choice' in capsys.readouterr().err
