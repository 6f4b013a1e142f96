import copy

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from mmamf.weights import load_all_weights, load_some_weights, read_checkpoint, state_of

RESNET = dict(type='SharedMultimodalResNet', depth=18, base_channels=8, stem_channels=8)
MIT = dict(
    type='MixVisionTransformer',
    embed_dims=8,
    num_layers=[1, 1, 1, 1],
    num_heads=[1, 1, 2, 4],
    mlp_ratio=2,
)


def make_segmentor(backbone, channels, classes=5, **kwargs):
    head = dict(
        type='FCNHead',
        in_channels=channels,
        in_index=0,
        channels=8,
        num_convs=1,
        num_classes=classes,
        norm_cfg=dict(type='BN'),
    )
    return MODELS.build(
        dict(
            type='MultimodalSegmentor',
            backbone=dict(backbone, num_modalities=2),
            decode_head=dict(type='ModalityEnsembleHead', num_modalities=2, head=head),
            **kwargs,
        )
    )


@pytest.fixture
def model():
    return make_segmentor(RESNET, 8)


def altered(model, change):
    state = copy.deepcopy(model.state_dict())
    change(state)
    return dict(state_dict=state)


def without_layer4(state):
    for name in [name for name in state if 'layer4' in name]:
        del state[name]


def with_nan(state):
    state['backbone.layer1.0.conv1.weight'][0, 0] = torch.nan


def with_complex(state):
    state['backbone.layer1.0.conv1.weight'] = state['backbone.layer1.0.conv1.weight'] * 1j


def with_negative_variance(state):
    state[next(name for name in state if name.endswith('running_var'))] -= 2


def of_other_width(state):
    state['decode_head.head.conv_seg.weight'] = torch.zeros(7, 8, 1, 1)


def with_more(state):
    state['neck.conv.weight'] = torch.zeros(1)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (without_layer4, r'a.pth: expected the weights of the model .*missing in the checkpoint'),
        (
            with_nan,
            r'a.pth: expected finite weights, got NaN or inf in 1 \(backbone.layer1.0',
        ),
        (with_complex, r'a.pth: expected real weights, got complex ones in 1 \(backbone.layer1.0'),
        (
            with_negative_variance,
            r'a.pth: expected variances >= 0, got negative .* 1 \(.*_var',
        ),
        (
            of_other_width,
            r'of another size: 1 \(decode_head.head.conv_seg.weight: 7 x 8 x',
        ),
        (with_more, r'not in the model: 1 \(neck.conv.weight\)'),
        (lambda state: state.clear(), r'a.pth: expected a checkpoint with weights, got none'),
    ],
)
def test_incomplete_weights_are_refused(model, change, message):
    with pytest.raises(ValueError, match=message):
        load_all_weights(model, altered(model, change), 'a.pth')


def test_round_trip_with_what_wrappers_put_before_names(model):
    other = make_segmentor(RESNET, 8)
    state = {f'module.{name}': value for name, value in other.state_dict().items()}
    load_all_weights(model, dict(state_dict=state), 'a.pth')
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_what_is_left_out_is_named(model):
    said = load_some_weights(model, altered(model, of_other_width), 'a.pth')
    assert 'parameters were loaded' in said and 'decode_head.head.conv_seg.weight' in said
    assert load_some_weights(model, dict(state_dict=model.state_dict()), 'a.pth') is None


def test_nothing_of_the_backbone(model):
    with pytest.raises(ValueError, match='expected weights of model.backbone, got none that fit'):
        load_some_weights(model, dict(state_dict={'decode_head.alpha': torch.ones(2)}), 'a.pth')


def make_plain(classes=5):
    return MODELS.build(
        dict(
            type='EncoderDecoder',
            backbone=MIT,
            decode_head=dict(
                type='FCNHead',
                in_channels=8,
                in_index=0,
                channels=8,
                num_convs=1,
                num_classes=classes,
                norm_cfg=dict(type='BN'),
            ),
        )
    )


@pytest.mark.parametrize('classes', [5, 9])
def test_a_plain_segmentor_goes_into_the_shared_one(classes):
    plain = make_plain(classes)
    model = make_segmentor(dict(type='SharedMultimodalBackbone', backbone=MIT), 8)
    said = load_some_weights(model, dict(state_dict=plain.state_dict()), 'zoo.pth')
    shared = model.backbone.backbone.state_dict()
    kernels = {name: v for name, v in plain.backbone.state_dict().items() if v.ndim > 1}
    assert len(kernels) > 20
    assert all(torch.equal(shared[name], value) for name, value in kernels.items())
    head = model.decode_head.head.convs[0].conv.weight
    assert torch.equal(head, plain.decode_head.convs[0].conv.weight)
    assert ('conv_seg' in (said or '')) == (classes != 5)


@pytest.mark.parametrize('place', ['inner', 'outer', 'pretrained'])
@pytest.mark.parametrize('is_whole', [True, False])
def test_pretrained_takes_a_backbone_or_a_whole_model(tmp_path, place, is_whole):
    plain = make_plain()
    part = plain if is_whole else plain.backbone
    torch.save(dict(state_dict=part.state_dict()), tmp_path / 'zoo.pth')
    init = dict(type='Pretrained', checkpoint=str(tmp_path / 'zoo.pth'))
    given = dict(
        inner=dict(backbone=dict(MIT, init_cfg=init)),
        outer=dict(backbone=MIT, init_cfg=init),
        pretrained=dict(backbone=MIT, pretrained=init['checkpoint']),
    )[place]
    shared = MODELS.build(dict(type='SharedMultimodalBackbone', num_modalities=2, **given))
    shared.init_weights()
    expected = plain.backbone.layers[0][0].projection.weight
    assert torch.equal(shared.backbone.layers[0][0].projection.weight, expected)


def test_pretrained_without_a_backbone_in_it(tmp_path):
    torch.save(dict(state_dict={'fc.weight': torch.ones(2)}), tmp_path / 'zoo.pth')
    init = dict(type='Pretrained', checkpoint=str(tmp_path / 'zoo.pth'))
    shared = MODELS.build(
        dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=dict(MIT, init_cfg=init))
    )
    with pytest.raises(ValueError, match='Pretrained: expected a checkpoint of the backbone'):
        shared.init_weights()


def test_weights_from_two_places():
    init = dict(type='Pretrained', checkpoint='a.pth')
    with pytest.raises(ValueError, match='expected weights from one of backbone.init_cfg, init_'):
        MODELS.build(
            dict(
                type='SharedMultimodalBackbone',
                num_modalities=2,
                backbone=dict(MIT, init_cfg=init),
                pretrained='b.pth',
            )
        )


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', r'expected a checkpoint, got an empty file \(0 bytes\)'),
        (b'no checkpoint at all', r"got a file of 20 bytes that is text, .*'no checkpoint at all'"),
        (b'\n<!DOCTYPE html><html>404', r'is an HTML page: the download gave a web page'),
        (
            b'version https://git-lfs.github.com/spec/v1\noid',
            r'is a pointer of Git LFS, .*lfs pull',
        ),
        (b'\x80\x04\x95\x00', r'got a file of 4 bytes that cannot be read'),
    ],
)
def test_a_file_that_is_no_checkpoint(tmp_path, content, message):
    (tmp_path / 'a.pth').write_bytes(content)
    with pytest.raises(ValueError, match=f'a.pth: .*{message}'):
        read_checkpoint(tmp_path / 'a.pth')


def test_a_truncated_checkpoint(tmp_path):
    torch.save(nn.Linear(9, 9).state_dict(), tmp_path / 'a.pth')
    content = (tmp_path / 'a.pth').read_bytes()
    (tmp_path / 'a.pth').write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match='a.pth: .*It may be cut off'):
        read_checkpoint(tmp_path / 'a.pth')


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='a.pth: there is no such checkpoint'):
        read_checkpoint(tmp_path / 'a.pth')


def test_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match='expected the file of a checkpoint, got a folder'):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(meta=[1], state_dict={}), 'expected meta to be a dict, got a list'),
        ({3: torch.ones(2)}, r'got names that are no text: 1 \(3\)'),
        (dict(state_dict={'a.b': torch.eye(2).to_sparse()}), r'got sparse .* tensors: 1 \(a.b\)'),
        (dict(model={'a.b': np.ones(2)}), r'got arrays of NumPy: 1 \(a.b\)'),
    ],
)
def test_odd_content(tmp_path, content, message):
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=f'a.pth: .*{message}'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('place', ['state_dict', 'model', 'state_dict_ema', None])
def test_places_of_weights(place):
    state = nn.Linear(2, 2).state_dict()
    content = {place: dict(state)} if place else dict(state)
    assert list(state_of(content)) == ['weight', 'bias']
