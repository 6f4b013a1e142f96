import pytest
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS

BEIT = dict(
    type='BEiT', img_size=(32, 32), patch_size=16, embed_dims=8, num_layers=2, num_heads=2,
    out_indices=(0, 1), qv_bias=True,
)  # fmt: skip


def make_model(backbone, is_shared):
    if is_shared:
        backbone = dict(type='SharedMultimodalBackbone', num_modalities=2, backbone=backbone)
    head = dict(type='FCNHead', in_channels=8, in_index=0, channels=8, num_convs=1, num_classes=5)
    if is_shared:
        head = dict(type='ModalityEnsembleHead', num_modalities=2, head=head)
    return MODELS.build(dict(type='EncoderDecoder', backbone=backbone, decode_head=head))


def rates(model, **paramwise):
    wrapper = build_optim_wrapper(
        model,
        dict(
            type='OptimWrapper',
            constructor='LearningRateDecayOptimizerConstructor',
            optimizer=dict(type='AdamW', lr=1.0),
            paramwise_cfg=paramwise,
        ),
    )
    names = {id(p): name for name, p in model.named_parameters()}
    return {names[id(p)]: g['lr'] for g in wrapper.optimizer.param_groups for p in g['params']}


def test_a_shared_backbone_has_the_rates_of_a_plain_one():
    settings = dict(num_layers=2, decay_rate=0.5, decay_type='layer_wise')
    plain = rates(make_model(BEIT, is_shared=False), **settings)
    shared = rates(make_model(BEIT, is_shared=True), **settings)
    assert len(set(plain.values())) > 2
    for name, rate in plain.items():
        if name.startswith('backbone.') and 'ln' not in name and 'norm' not in name:
            assert shared[f'backbone.{name}'] == rate


def test_an_unknown_backbone_is_a_sentence():
    with pytest.raises(ValueError, match='knows the layers of ConvNeXt, BEiT and MAE .*, got Mix'):
        backbone = dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1] * 4)
        rates(make_model(backbone, is_shared=True), num_layers=2, decay_rate=0.5)


def test_a_missing_setting_is_a_sentence():
    with pytest.raises(ValueError, match='paramwise_cfg: expected decay_rate for Learning'):
        rates(make_model(BEIT, is_shared=True), num_layers=2)
