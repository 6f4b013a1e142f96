_base_ = './amf_unet_1xb1-adam-300e_taskonomy-256x256_shade-depth2rgb.py'
modalities = [_base_.normal, _base_.texture_edge]
model = dict(data_preprocessor=dict(modalities=modalities))
domains = dict(modalities=modalities, target=_base_.rgb)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=domains)
