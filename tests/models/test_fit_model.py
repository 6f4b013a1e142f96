import copy

import pytest
import torch
from mmengine.registry import MODELS

from mmamf.models.fit_model import fit_model

STATISTICS = dict(mean=0.0, std=1.0)
HEAD = dict(
    type='FCNHead',
    in_channels=64,
    in_index=3,
    channels=4,
    num_convs=1,
    num_classes=3,
    norm_cfg=None,
)


def config(*channels, **backbone):
    modalities = [dict(STATISTICS, name=f'm{i}', channels=c) for i, c in enumerate(channels)]
    network = dict(type='SharedMultimodalResNet', depth=18, base_channels=8, stem_channels=8)
    return dict(
        type='MultimodalSegmentor',
        data_preprocessor=dict(type='MultimodalSegDataPreprocessor', modalities=modalities),
        backbone=dict(network, **backbone),
        decode_head=dict(type='ModalityEnsembleHead', head=HEAD),
        auxiliary_head=[dict(type='ModalityEnsembleHead', head=HEAD)],
        test_cfg=dict(mode='whole'),
    )


@pytest.mark.parametrize(
    ('channels', 'backbone', 'bands', 'width'),
    [
        ((3, 1), {}, None, 3),
        ((3, 1), dict(bands=True), [3, 1], 3),
        ((1,), dict(bands=True), [1], 1),
        ((4, 1, 2), {}, [4, 1, 2], 4),
        ((4, 1), dict(in_channels=4), None, 4),
        ((4, 1), dict(bands=None, in_channels=4), None, 4),
    ],
)
def test_a_model_counts_its_modalities(channels, backbone, bands, width):
    given = config(*channels, **backbone)
    before = copy.deepcopy(given)
    fitted = fit_model(given)
    assert given == before
    assert fitted['backbone'].get('bands') == bands
    model = MODELS.build(given).eval()
    parts = (model.backbone, model.decode_head, model.auxiliary_head[0])
    assert {part.num_modalities for part in parts} == {len(channels)}
    assert model.data_preprocessor.in_channels == width
    batch = dict(inputs=[torch.rand(sum(channels), 32, 32)])
    data = model.data_preprocessor(batch, False)
    assert model(data['inputs'], mode='tensor').shape[:2] == (1, 3)


def test_what_contradicts_is_refused():
    wrong = config(3, 1)
    wrong['decode_head'] = dict(wrong['decode_head'], num_modalities=3)
    with pytest.raises(ValueError, match='num_modalities of Modality.*: expected none, or 2, as'):
        MODELS.build(wrong)
    with pytest.raises(ValueError, match=r'backbone.bands: expected \[3, 1\], .* got \[1, 3\]'):
        MODELS.build(config(3, 1, bands=[1, 3]))


def test_channels_are_needed():
    wrong = config(3, 1)
    del wrong['data_preprocessor']['modalities'][1]['channels']
    with pytest.raises(ValueError, match="modality 'm1': expected the key channels"):
        MODELS.build(wrong)


def test_without_descriptions_all_stays():
    plain = dict(config(3, 1), data_preprocessor=dict(type='SegDataPreProcessor'))
    assert fit_model(plain) == plain
