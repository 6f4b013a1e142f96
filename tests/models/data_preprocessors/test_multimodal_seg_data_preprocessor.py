import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.structures import SegDataSample

from mmamf.models.data_preprocessors import MultimodalSegDataPreprocessor

RGB = dict(channels=3, mean=[124.0, 116.0, 104.0], std=[58.0, 57.0, 56.0], bgr_to_rgb=True)
DEPTH = dict(channels=1, scale=0.001, mean=[2.5], std=[0.5])
NORMAL = dict(channels=3, mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0])


def named(**specs) -> list[dict]:
    """The specifications with their names, in order."""
    return [dict(spec, name=name) for name, spec in specs.items()]


def make_batch(channels: int, modalities: tuple, sizes=((10, 14), (10, 14))) -> dict:
    generator = torch.Generator().manual_seed(0)
    inputs, samples = [], []
    for height, width in sizes:
        inputs.append(torch.randint(0, 256, (channels, height, width), generator=generator).float())
        label = torch.randint(0, 5, (1, height, width), generator=generator)
        meta = dict(modalities=modalities, img_path='a.png')
        samples.append(SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=label)))
    return dict(inputs=inputs, data_samples=samples)


def test_equals_the_formula_for_three_modalities():
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH, normal=NORMAL))
    batch = make_batch(7, ('rgb', 'depth', 'normal'))
    raw = torch.stack(batch['inputs'])
    out = preprocessor(batch)['inputs']

    def normalized(x, spec):
        mean, std = (torch.tensor(spec[key]).view(-1, 1, 1) for key in ('mean', 'std'))
        return (x * spec.get('scale', 1.0) - mean) / std

    depth = normalized(raw[:, 3:4], DEPTH)
    expected = [
        normalized(raw[:, [2, 1, 0]], RGB),
        depth,
        depth,
        depth,
        normalized(raw[:, 4:], NORMAL),
    ]
    assert out.shape == (2, 9, 10, 14) and out.dtype == torch.float32
    torch.testing.assert_close(out, torch.cat(expected, 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('bgr_to_rgb', [True, False])
@pytest.mark.parametrize('dtype', [torch.uint8, torch.uint16, torch.float32])
def test_single_modality_equals_stock(training, bgr_to_rgb, dtype):
    sizes = ((10, 14), (12, 9)) if training else ((10, 14),) * 2
    padding = dict(size=(16, 16), test_cfg=dict(size_divisor=8), pad_val=7, seg_pad_val=9)
    norm = dict(mean=RGB['mean'], std=RGB['std'], bgr_to_rgb=bgr_to_rgb)
    spec = named(rgb=dict(channels=3, **norm))
    results = []
    for preprocessor in (
        MultimodalSegDataPreprocessor(spec, **padding),
        SegDataPreProcessor(**norm, **padding),
    ):
        batch = make_batch(3, ('rgb',), sizes)
        batch['inputs'] = [image.to(dtype) for image in batch['inputs']]
        results.append(preprocessor(batch, training))
    ours, stock = results
    assert torch.equal(ours['inputs'], stock['inputs'])
    for mine, theirs in zip(ours['data_samples'], stock['data_samples'], strict=True):
        assert mine.metainfo == theirs.metainfo
        assert torch.equal(mine.gt_sem_seg.data, theirs.gt_sem_seg.data)


def test_padding_is_zero_after_normalization():
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH), size=(16, 20))
    out = preprocessor(make_batch(4, ('rgb', 'depth')), training=True)
    assert out['inputs'].shape == (2, 6, 16, 20)
    assert not out['inputs'][:, :, 10:].any() and not out['inputs'][..., 14:].any()
    assert (out['data_samples'][0].gt_sem_seg.data[:, 10:] == 255).all()


@pytest.mark.parametrize(('in_channels', 'channels'), [(1, 2), (3, 6), (4, 8)])
def test_tiles_to_in_channels(in_channels, channels):
    spec = dict(channels=1, mean=[0.0], std=[1.0])
    preprocessor = MultimodalSegDataPreprocessor(named(a=spec, b=spec), in_channels)
    batch = make_batch(2, ('a', 'b'))
    raw = torch.stack(batch['inputs'])
    expected = raw.repeat_interleave(in_channels, 1)
    assert expected.shape[1] == channels
    assert torch.equal(preprocessor(batch)['inputs'], expected)


def test_tiles_any_number_of_bands_in_a_cycle():
    specs = named(
        a=dict(channels=2, mean=[1.0, 2.0], std=[1.0, 2.0]),
        b=dict(RGB, scale=2.0),
        c=dict(channels=8, mean=[0.0] * 8, std=[1.0] * 8),
    )
    raw = torch.rand(2, 13, 4, 5)
    inputs = MultimodalSegDataPreprocessor(specs, in_channels=8)(dict(inputs=list(raw)))['inputs']
    a, b, c = inputs.chunk(3, dim=1)
    for index in range(8):
        band = index % 2
        torch.testing.assert_close(a[:, index], (raw[:, band] - 1 - band) / (1 + band))
        band = index % 3
        value = (raw[:, 4 - band] * 2 - RGB['mean'][band]) / RGB['std'][band]
        torch.testing.assert_close(b[:, index], value)
    assert torch.equal(c, raw[:, 5:])


def test_folded_batch_is_one_modality_per_row():
    """(N, M * C, H, W) viewed as (N * M, C, H, W) is sample-major, modality by modality."""
    spec = dict(channels=1, mean=[0.0], std=[1.0])
    preprocessor = MultimodalSegDataPreprocessor(named(a=spec, b=spec))
    batch = make_batch(2, ('a', 'b'))
    raw = torch.stack(batch['inputs'])
    folded = preprocessor(batch)['inputs'].view(4, 3, 10, 14)
    assert torch.equal(folded[:, 1].view(2, 2, 10, 14), raw)


@pytest.mark.parametrize('test_cfg', [None, dict(size_divisor=8)])
@pytest.mark.parametrize('extra', [dict(), dict(data_samples=None)])
def test_without_data_samples(extra, test_cfg):
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH), test_cfg=test_cfg)
    out = preprocessor(dict(inputs=make_batch(4, ())['inputs'], **extra))
    assert out['data_samples'] is None
    assert out['inputs'].shape == (2, 6, *((10, 14) if test_cfg is None else (16, 16)))


def test_inputs_of_the_caller_are_not_changed():
    preprocessor = MultimodalSegDataPreprocessor(named(a=dict(NORMAL, scale=2.0)))
    batch = make_batch(3, ('a',))
    before = [image.clone() for image in batch['inputs']]
    preprocessor(batch)
    assert all(torch.equal(*pair) for pair in zip(batch['inputs'], before, strict=True))


def test_has_no_state_and_moves_with_the_model():
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH))
    assert not preprocessor.state_dict() and not list(preprocessor.parameters())
    preprocessor.to('meta')
    assert {buffer.device.type for buffer in preprocessor.buffers()} == {'meta'}
    assert preprocessor.device.type == 'meta'


@pytest.mark.gpu
def test_runs_on_the_gpu(device):
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH))
    batch = make_batch(4, ('rgb', 'depth'))
    expected = preprocessor(batch)['inputs']
    out = preprocessor.to(device)(batch)['inputs']
    assert out.device.type == device.type
    torch.testing.assert_close(out.cpu(), expected)


@pytest.mark.parametrize(
    ('modalities', 'kwargs', 'message'),
    [
        ([], {}, r'expected a non-empty sequence of distinct names, got \[\]'),
        (dict(a=NORMAL), {}, r"expected a list of dict.*got a dict: \{'a'"),
        ([DEPTH], {}, r'modality: expected dict\(name=..., channels=..., ...\), got \{'),
        (2 * named(a=DEPTH), {}, r"distinct names, got \['a', 'a'\]"),
        (
            named(a=dict(NORMAL, mean=[1.0])),
            {},
            r"'a': expected mean to be a number, or 3 of them, one per channel, got \[1.0\]",
        ),
        (
            named(a=dict(DEPTH, std=[1.0] * 3)),
            {},
            r"'a': expected std to be a number, or 1 of them, one per channel, got",
        ),
        (named(a=dict(NORMAL, channels=0)), {}, 'expected channels >= 1, got 0'),
        (named(a=NORMAL), dict(in_channels=2), 'channels to be from 1 to in_channels = 2, got 3'),
        (named(a=dict(channels=3)), {}, r"the keys channels, mean and std.* got \['channels'\]"),
        (named(a=dict(NORMAL, rgb=True)), {}, "'a': expected the keys .* got .*'rgb'"),
        (
            named(a=dict(NORMAL, std=[1.0, 0.0, 1.0])),
            {},
            r'expected std > 0, got \[1.0, 0.0, 1.0\]',
        ),
        (named(a=dict(DEPTH, scale=0.0)), {}, "'a': expected scale > 0, got 0.0"),
        (named(a=dict(DEPTH, bgr_to_rgb=True)), {}, '3 channels with bgr_to_rgb=True, got 1'),
        (named(a=NORMAL), dict(mean=[0], std=[1]), r"\['mean', 'std'\] in the entries of"),
        (named(a=NORMAL), dict(bgr_to_rgb=True), r"\['bgr_to_rgb'\] in the entries of"),
    ],
)
def test_bad_specification(modalities, kwargs, message):
    with pytest.raises(ValueError, match=message):
        MultimodalSegDataPreprocessor(modalities, **kwargs)


@pytest.mark.parametrize(
    ('batch', 'message'),
    [
        (
            make_batch(4, ('depth', 'rgb')),
            r"\('rgb', 'depth'\) in this order, got \('depth', 'rgb'\)",
        ),
        (make_batch(3, ('rgb',)), r"in this order, got \('rgb',\) for a.png"),
        (make_batch(4, None), 'in this order, got None for a.png'),
        (
            make_batch(6, ('rgb', 'depth')),
            r'C = 4, .* \(.rgb., .depth.\) together, got shape \(6, 10',
        ),
        (dict(inputs=[torch.zeros(10, 14)]), r'expected \(C, H, W\) .* got shape \(10, 14\)'),
    ],
    ids=['order', 'fewer', 'stock packing', 'channels', 'dimensions'],
)
def test_bad_batch(batch, message):
    with pytest.raises(ValueError, match=message):
        MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH))(batch)


def test_other_channels_of_the_same_sum():
    batch = make_batch(4, ('rgb', 'depth'))
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(modality_channels=(1, 3)))
    with pytest.raises(ValueError, match=r'with \(3, 1\) channels of .*, got \(1, 3\) for a.png'):
        MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH))(batch)


def test_labels_of_8_bits_become_int64():
    """As mmseg's losses need them; PackMultimodalSegInputs leaves them small."""
    preprocessor = MultimodalSegDataPreprocessor(named(depth=DEPTH), size=(16, 16))
    label = torch.tensor([[[0, 7], [254, 255]]], dtype=torch.uint8)
    sample = SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=dict(modalities=('depth',)))
    batch = preprocessor(dict(inputs=[torch.ones(1, 2, 2)], data_samples=[sample]), training=True)
    padded = batch['data_samples'][0].gt_sem_seg.data
    assert padded.dtype == torch.int64 and padded.shape == (1, 16, 16)
    assert padded[0, :2, :2].tolist() == label[0].tolist()


@pytest.mark.parametrize('fill', [None, 0, 700])
def test_holes_become_the_mean_or_the_fill(fill):
    spec = DEPTH if fill is None else dict(DEPTH, fill=fill)
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=RGB, depth=spec))
    batch = make_batch(4, ('rgb', 'depth'))
    holes = torch.rand(10, 14) < 0.3
    holes[0, 0] = True
    filled = [image.clone() for image in batch['inputs']]
    for image, other in zip(batch['inputs'], filled):
        image[3:, holes] = torch.nan
        other[3:, holes] = 2500.0 if fill is None else fill
    before = MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH))
    expected = before(dict(batch, inputs=filled))['inputs']
    found = preprocessor(batch, training=True)['inputs']
    assert torch.equal(found, expected)
    if fill is None:
        assert (found[:, 3:, holes] == 0).all()


def test_one_fill_for_each_channel_in_the_order_after_bgr_to_rgb():
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=dict(RGB, fill=[1, 2, 3])))
    holes = preprocessor(dict(inputs=[torch.full((3, 2, 2), torch.nan)]))['inputs']
    assert torch.equal(holes, preprocessor(dict(inputs=[raw_color(3, 2, 1)]))['inputs'])
    single = MultimodalSegDataPreprocessor(named(rgb=dict(RGB, fill=9)))
    holes = single(dict(inputs=[torch.full((3, 2, 2), torch.nan)]))['inputs']
    assert torch.equal(holes, single(dict(inputs=[raw_color(9, 9, 9)]))['inputs'])


def raw_color(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(3, 1, 1).expand(3, 2, 2)


@pytest.mark.parametrize('fill', ['0', [1, 2], float('nan'), [1, None, 2]], ids=str)
def test_bad_fill(fill):
    with pytest.raises(
        ValueError, match="'rgb': expected fill to be a number, or 3 of them, one pe"
    ):
        MultimodalSegDataPreprocessor(named(rgb=dict(RGB, fill=fill)))


def test_whole_numbers_and_floats_in_one_batch():
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH))
    floats = make_batch(4, ('rgb', 'depth'))['inputs']
    mixed = [floats[0].to(torch.uint16), floats[1].to(torch.uint8)]
    mixed.append(floats[0].clone())
    mixed[2][3, 0, 0] = torch.nan
    out = preprocessor(dict(inputs=mixed))['inputs']
    assert torch.equal(out[:2], preprocessor(dict(inputs=floats))['inputs'])
    assert (out[2, 3:, 0, 0] == 0).all() and torch.equal(out[2, :, 1:], out[0, :, 1:])


def test_absent_is_not_a_hole():
    """What a sample lacks stays NaN, also if its planes hold holes; the others' holes do not."""
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=RGB, depth=DEPTH))
    batch = make_batch(4, ('rgb', 'depth'))
    batch['inputs'][0][:, :2] = torch.nan
    batch['data_samples'][0].set_metainfo(dict(present=('rgb',)))
    out = preprocessor(batch)['inputs'].unflatten(1, (2, 3))
    assert out[0, 1].isnan().all() and not out[0, 0].isnan().any() and not out[1].isnan().any()


@pytest.mark.parametrize('padding', [dict(), dict(size=None), dict(size_divisor=1)], ids=str)
def test_without_a_size_a_batch_is_padded_to_its_largest_image(padding):
    preprocessor = MultimodalSegDataPreprocessor(named(rgb=RGB), **padding)
    crops = preprocessor(make_batch(3, ('rgb',)), training=True)
    assert crops['inputs'].shape == (2, 3, 10, 14)
    assert crops['data_samples'][0].gt_sem_seg.data.max() < 5  # no padding
    mixed = preprocessor(make_batch(3, ('rgb',), ((10, 14), (12, 9))), training=True)
    assert mixed['inputs'].shape == (2, 3, 12, 14)
    assert (mixed['data_samples'][0].gt_sem_seg.data[:, 10:] == 255).all()
