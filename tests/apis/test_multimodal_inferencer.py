"""Inference from Python, with a tiny model of random weights."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, DefaultScope
from PIL import Image

from mmamf.apis import MultimodalInferencer

SIZE = (40, 52)
CLASSES = 5


@pytest.fixture
def root(make_rgbd_dataset):
    return make_rgbd_dataset(count=5, size=SIZE)


@pytest.fixture
def config(root, rgbd_dataset_cfg, rgbd_preprocessor_cfg):
    norm = dict(type='ModalitySpecificBN', num_modalities=2)
    head = dict(
        type='FCNHead',
        in_channels=8,
        in_index=0,
        channels=8,
        num_convs=1,
        concat_input=False,
        num_classes=CLASSES,
        norm_cfg=norm,
        align_corners=False,
    )
    model = dict(
        type='MultimodalSegmentor',
        data_preprocessor=rgbd_preprocessor_cfg,
        backbone=dict(
            type='SharedMultimodalResNet',
            depth=18,
            num_modalities=2,
            base_channels=8,
            stem_channels=8,
            norm_cfg=norm,
            fusion=dict(type='ChannelShufflePixelShiftFusion'),
        ),
        decode_head=dict(type='ModalityEnsembleHead', num_modalities=2, head=head),
        test_cfg=dict(mode='whole'),
    )
    model['data_preprocessor']['test_cfg'] = dict(size_divisor=32)
    resize = [dict(type='Resize', scale_factor=0.75, keep_ratio=True)]
    dataset = rgbd_dataset_cfg(root=root, pipeline=resize)
    return Config(dict(default_scope='mmseg', model=model, test_dataloader=dict(dataset=dataset)))


@pytest.fixture
def save(config, tmp_path):
    """Writer of a checkpoint as mmengine does it: ``save(with_config=True, **changed entries)``."""

    def write(with_config: bool = True, **entries):
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope('mmseg'):
            model = MODELS.build(config.model)
        model.decode_head.head.conv_seg.weight.data.normal_()  # all classes are predicted somewhere
        model.decode_head.head.conv_seg.bias.data.zero_()
        state = model.state_dict()
        meta = dict(cfg=config.pretty_text) if with_config else {}
        torch.save(dict(meta=meta, state_dict=state) | entries, tmp_path / 'iter_1.pth')
        return tmp_path / 'iter_1.pth'

    return write


@pytest.fixture
def inferencer(save):
    return MultimodalInferencer(save(), device='cpu', show_progress=False)


@pytest.fixture
def expected(config, inferencer):
    """What the data set and the model give, as in a test."""
    dataset = DATASETS.build(config.test_dataloader.dataset)
    maps = {}
    with torch.no_grad():
        for item in map(dataset.__getitem__, range(len(dataset))):
            batch = dict(inputs=[item['inputs']], data_samples=[item['data_samples']])
            (sample,) = inferencer.segmentor.model.test_step(batch)
            keys = dict(ensemble='', rgb='_rgb', depth='_depth')
            maps[sample.sample_name] = {
                name: sample.get(f'pred_sem_seg{key}').data[0].numpy() for name, key in keys.items()
            }
    assert len(np.unique(np.stack([m['ensemble'] for m in maps.values()]))) > 1
    return maps


def same(found, expected):
    assert list(found) == list(expected)
    for name, maps in expected.items():
        assert list(found[name]) == ['ensemble', 'rgb', 'depth']
        for source, labels in maps.items():
            assert found[name][source].dtype == np.uint8
            np.testing.assert_array_equal(found[name][source], labels)


@pytest.mark.parametrize('batch_size', [1, 2, 9])
def test_folders_give_what_a_test_gives(inferencer, expected, root, batch_size):
    found = inferencer(dict(depth=root / 'depth', rgb=str(root / 'rgb')), batch_size)
    same(found, expected)
    assert found['00']['ensemble'].shape == SIZE
    assert inferencer.modalities == ('rgb', 'depth')
    assert inferencer.classes == tuple(f'class {i}' for i in range(CLASSES))


@pytest.fixture
def expect(config, inferencer, root):
    """What the data set and the model give, one by one, if files may be absent."""

    def predict():
        config.test_dataloader.dataset.optional = ['rgb', 'depth']
        dataset = DATASETS.build(config.test_dataloader.dataset)
        maps = {}
        for item in map(dataset.__getitem__, range(len(dataset))):
            batch = dict(inputs=[item['inputs']], data_samples=[item['data_samples']])
            with torch.no_grad():
                (sample,) = inferencer.segmentor.model.test_step(batch)
            names = ['ensemble', *sample.present]
            keys = [f'pred_sem_seg_{name}'.removesuffix('_ensemble') for name in names]
            maps[sample.sample_name] = {
                name: sample.get(key).data[0].numpy() for name, key in zip(names, keys)
            }
        return maps

    return predict


@pytest.mark.parametrize('batch_size', [1, 5])
def test_absent_files(inferencer, expect, root, tmp_path, batch_size):
    for absent in ('depth/01.png', 'depth/04.png', 'rgb/00.png'):
        (root / absent).unlink()
    inputs = {name: root / name for name in ('rgb', 'depth')}
    found = inferencer(inputs, batch_size, tmp_path / 'out', optional=['rgb', 'depth'])
    expected = expect()
    assert [len(maps) for maps in found.values()] == [2, 2, 3, 3, 2]
    for name, maps in expected.items():
        assert list(found[name]) == list(maps)
        for source, labels in maps.items():
            np.testing.assert_array_equal(found[name][source], labels)
    np.testing.assert_array_equal(found['00']['ensemble'], found['00']['depth'])
    assert (tmp_path / 'out' / 'overlays' / '00.png').is_file()  # over depth
    with pytest.raises(ValueError, match='01: no depth for .*rgb/01.png'):
        inferencer(inputs, optional=['rgb'])


def test_optional_in_the_description_is_optional(inferencer, root):
    (root / 'depth' / '01.png').unlink()
    inputs = dict(rgb=root / 'rgb', depth=root / 'depth')
    described = inferencer.segmentor.descriptions
    described['depth'] = replace(described['depth'], optional=True)
    found = inferencer(inputs)
    assert [*found['00']] == ['ensemble', 'rgb', 'depth'] and [*found['01']] == ['ensemble', 'rgb']


def test_a_modality_that_is_not_named_is_absent(inferencer, expect, root, tmp_path):
    lone = inferencer(dict(rgb=root / 'rgb'), batch_size=2, out_dir=tmp_path / 'out')
    arrays = [cv2.imread(str(path))[..., ::-1] for path in sorted((root / 'rgb').iterdir())]
    listed = inferencer(dict(rgb=arrays, depth=[None] * 5), optional=['depth'])
    for path in (root / 'depth').iterdir():
        path.unlink()
    for (name, maps), other in zip(expect().items(), listed.values()):
        assert list(lone[name]) == list(other) == ['ensemble', 'rgb']
        for source, labels in maps.items():
            np.testing.assert_array_equal(lone[name][source], labels)
            np.testing.assert_array_equal(other[source], labels)


def test_globs_files_and_arrays_give_the_same(inferencer, expected, root):
    globs = {name: f'{root}/{name}/0[0-1].png' for name in ('rgb', 'depth')}
    same(inferencer(globs), {'0': expected['00'], '1': expected['01']})
    same(inferencer({k: root / k / '01.png' for k in globs}), {'01': expected['01']})
    files = {k: [root / k / '01.png', str(root / k / '03.png')] for k in globs}
    same(inferencer(files), {'01': expected['01'], '03': expected['03']})
    rgb = [cv2.imread(str(path))[..., ::-1] for path in files['rgb']]
    depth = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in files['depth']]
    numbered = {'000000': expected['01'], '000001': expected['03']}
    same(inferencer(dict(rgb=rgb, depth=depth)), numbered)
    same(inferencer(dict(rgb=rgb, depth=files['depth'])), numbered)
    wrong = inferencer(dict(rgb=[image[..., ::-1] for image in rgb], depth=depth))
    assert (wrong['000000']['rgb'] != expected['01']['rgb']).mean() > 0.01


def test_batches_of_different_sizes(inferencer, expected, root):
    color, depth = (
        [cv2.imread(str(root / name / f'{i:02d}.png'), cv2.IMREAD_UNCHANGED) for i in range(3)]
        for name in ('rgb', 'depth')
    )
    color[1], depth[1] = color[1][:32, :44], depth[1][:32, :44]
    found = inferencer(dict(rgb=[c[..., ::-1] for c in color], depth=depth), batch_size=3)
    assert [maps['ensemble'].shape for maps in found.values()] == [SIZE, (32, 44), SIZE]
    np.testing.assert_array_equal(found['000002']['depth'], expected['02']['depth'])


def test_written_files(inferencer, expected, root, tmp_path):
    (root / 'rgb' / 'a').mkdir()
    (root / 'depth' / 'a').mkdir()
    for name in ('rgb', 'depth'):
        (root / name / '04.png').rename(root / name / 'a' / '04.png')
    out = tmp_path / 'made' / 'here'
    inputs = {name: root / name for name in ('rgb', 'depth')}
    stream = inferencer.stream(inputs, out_dir=out)
    next(stream)
    assert (out / 'masks' / '00.png').is_file()  # as soon as it is there
    assert [name for name, _ in stream] == ['01', '02', '03', 'a/04']
    names = ['00.png', '01.png', '02.png', '03.png', 'a/04.png']
    for folder in ('masks', 'overlays'):
        found = (out / folder).rglob('*.png')
        assert sorted(str(path.relative_to(out / folder)) for path in found) == names
    mask = Image.open(out / 'masks' / 'a' / '04.png')
    assert mask.mode == 'L'
    np.testing.assert_array_equal(np.asarray(mask), expected['04']['ensemble'])
    overlay = np.asarray(Image.open(out / 'overlays' / '00.png')).astype(int)
    image = cv2.imread(str(root / 'rgb' / '00.png'))[..., ::-1].astype(int)
    colors = np.array(inferencer.segmentor.palette)[expected['00']['ensemble']]
    assert np.abs(overlay - (image + colors) / 2).max() <= 1
    assert min(Image.open(out / 'montage.png').size) > 300


def test_probabilities_and_their_maps(inferencer, expected, root, tmp_path):
    (root / 'depth' / '03.png').unlink()
    inputs = {name: root / name for name in ('rgb', 'depth')}
    kwargs = dict(optional=['depth'], return_probabilities=True)
    found = inferencer(inputs, 2, tmp_path / 'out', **kwargs)
    for name, maps in found.items():
        sources = ['ensemble', 'rgb', 'depth'][: 2 if name == '03' else 3]
        assert list(maps) == [*sources, 'probabilities']
        chances = maps['probabilities']
        assert list(chances) == sources
        for source in sources:
            assert chances[source].shape == (CLASSES, *SIZE)
            assert chances[source].dtype == np.float32
            np.testing.assert_allclose(chances[source].sum(0), 1, rtol=1e-5)
            np.testing.assert_array_equal(chances[source].argmax(0), maps[source])
        if name != '03':
            same({name: {key: maps[key] for key in sources}}, {name: expected[name]})
        drawn = {
            kind: cv2.imread(str(tmp_path / 'out' / kind / f'{name}.png'), cv2.IMREAD_UNCHANGED)
            for kind in ('probability', 'entropy', 'disagreement')
        }
        assert all(image.dtype == np.uint16 and image.shape == SIZE for image in drawn.values())
        drawn = {kind: image / 65535 for kind, image in drawn.items()}

        def entropy(chance):
            return -(chance * np.log(chance)).sum(0)

        whole, members = chances['ensemble'], [chances[source] for source in sources[1:]]
        np.testing.assert_allclose(drawn['probability'], whole.max(0), atol=1e-5)
        np.testing.assert_allclose(drawn['entropy'], entropy(whole) / np.log(CLASSES), atol=1e-5)
        spread = entropy(np.mean(members, 0)) - np.mean([*map(entropy, members)], 0)
        np.testing.assert_allclose(drawn['disagreement'], spread / np.log(2), atol=1e-5)
    assert (found['00']['probabilities']['rgb'] != found['00']['probabilities']['depth']).any()


def test_maps_never_overwrite_an_image(inferencer, root):
    (root / 'entropy').mkdir()
    (root / 'rgb' / '00.png').rename(root / 'entropy' / '00.png')
    inputs = dict(rgb=[root / 'entropy' / '00.png'])
    with pytest.raises(ValueError, match='entropy/00.png: expected a result that is no input'):
        inferencer(inputs, out_dir=root, return_probabilities=True)


def test_arrays_are_shown_in_their_colors(inferencer, root, tmp_path):
    rgb = cv2.imread(str(root / 'rgb' / '00.png'))[..., ::-1]
    depth = cv2.imread(str(root / 'depth' / '00.png'), cv2.IMREAD_UNCHANGED)
    inferencer(dict(rgb=rgb, depth=depth), out_dir=tmp_path / 'arrays')
    inferencer({k: root / k / '00.png' for k in ('rgb', 'depth')}, out_dir=tmp_path / 'files')
    arrays = np.asarray(Image.open(tmp_path / 'arrays' / 'overlays' / '000000.png'))
    files = np.asarray(Image.open(tmp_path / 'files' / 'overlays' / '00.png'))
    np.testing.assert_array_equal(arrays, files)


def test_config_beside_the_checkpoint(config, save, expected, root, tmp_path):
    checkpoint = save(with_config=False)
    with pytest.raises(
        ValueError, match='iter_1.pth: expected .* with the config .* pass the config'
    ):
        MultimodalInferencer(checkpoint, device='cpu')
    path = tmp_path / 'config.py'
    path.write_text('\n'.join(f'{k} = {v!r}' for k, v in config.to_dict().items()))
    inputs = {name: root / name for name in ('rgb', 'depth')}
    for given in (config, path, str(path)):
        inferencer = MultimodalInferencer(checkpoint, given, 'cpu', show_progress=False)
        same(inferencer(inputs), expected)


def test_data_sets_in_wrappers_and_none_at_hand(config, save, expected, root):
    inner = config.test_dataloader.dataset.copy()
    inner.data_root = '/not/here'
    repeated = dict(type='RepeatDataset', times=2, dataset=inner)
    config.test_dataloader.dataset = dict(type='ConcatDataset', datasets=[repeated])
    inferencer = MultimodalInferencer(save(), device='cpu', show_progress=False)
    same(inferencer({name: root / name for name in ('rgb', 'depth')}), expected)


def test_arrays_of_a_data_set_of_arrays_keep_their_order(config, save, expected, root):
    config.test_dataloader.dataset.img_suffix = dict(rgb='.npy', depth='.png')
    inferencer = MultimodalInferencer(save(), device='cpu', show_progress=False)
    bgr = cv2.imread(str(root / 'rgb' / '00.png'))  # what a file that is no array gives
    found = inferencer(dict(rgb=bgr, depth=root / 'depth' / '00.png'))
    np.testing.assert_array_equal(found['000000']['ensemble'], expected['00']['ensemble'])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda root: cv2.imwrite(str(root / 'depth/01.png'), np.ones(SIZE, np.uint8)), 'uint16'),
        (lambda root: (root / 'rgb/02.png').write_bytes(b'none'), '02.png is corrupt'),
        (lambda root: (root / 'depth/03.png').unlink(), '03: no depth for .*rgb/03.png'),
    ],
)
def test_bad_files_are_named(inferencer, root, change, message):
    change(root)
    with pytest.raises(ValueError, match=message):
        inferencer({name: root / name for name in ('rgb', 'depth')})


def test_bad_models(config, save, tmp_path):
    with pytest.raises(FileNotFoundError, match='none.pth: there is no such checkpoint'):
        MultimodalInferencer(tmp_path / 'none.pth')
    with pytest.raises(FileNotFoundError, match='none.onnx: there is no such ONNX file'):
        MultimodalInferencer(tmp_path / 'none.onnx')
    with pytest.raises(ValueError, match='config: expected none with .*none.onnx'):
        MultimodalInferencer(tmp_path / 'none.onnx', config)
    state = torch.load(save(), weights_only=True)['state_dict']
    del state['decode_head.head.conv_seg.weight']
    with pytest.raises(ValueError, match='(?s)expected the weights of the model.*decode_head'):
        MultimodalInferencer(save(state_dict=state), device='cpu')
    with pytest.raises(ValueError, match='batch_size: expected at least 1, got 0'):
        MultimodalInferencer(save(), device='cpu')(dict(rgb='a', depth='b'), batch_size=0)
    config.test_dataloader.dataset.pipeline.pop(0)
    with pytest.raises(ValueError, match='if the model is a translator, use mmamf.apis.translate'):
        MultimodalInferencer(save(), device='cpu')
    config.pop('test_dataloader')
    with pytest.raises(ValueError, match='config: expected a test_dataloader.* got none'):
        MultimodalInferencer(save(), device='cpu')


def test_more_classes_than_a_mask_can_hold(config, save):
    config.test_dataloader.dataset.metainfo.classes = [f'class {i}' for i in range(256)]
    with pytest.raises(ValueError, match='at most 255 classes, .* 8 bits .* got 256'):
        MultimodalInferencer(save(), device='cpu')


def test_a_head_with_random_bases_predicts_the_same_again(config, save, root):
    head = dict(type='LightHamHead', in_channels=[8, 16], in_index=[0, 1], num_classes=CLASSES)
    head.update(channels=8, ham_channels=8, ham_kwargs=dict(MD_R=4))
    config.model.decode_head.head = head
    inputs = {name: root / name / '00.png' for name in ('rgb', 'depth')}
    maps = [
        MultimodalInferencer(save(), device='cpu', show_progress=False)(inputs)['00']['ensemble']
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*maps)
    assert len(np.unique(maps[0])) > 1


def test_device_that_is_not_there(save):
    with pytest.raises(ValueError, match="device: expected one of this computer, got 'abacus'"):
        MultimodalInferencer(save(), device='abacus')


def test_models_of_other_preprocessors(config, save):
    config.model.data_preprocessor = dict(type='SegDataPreProcessor')
    with pytest.raises(ValueError, match='MultimodalSegDataPreprocessor, got SegDataPreProcessor'):
        MultimodalInferencer(save(), device='cpu')
