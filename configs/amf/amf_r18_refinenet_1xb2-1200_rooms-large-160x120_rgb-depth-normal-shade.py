# Four modalities.
_base_ = './amf_r18_refinenet_1xb2-1200_rooms-large-160x120_rgb-depth-normal.py'
modalities = ['rgb', 'depth', 'normal', 'shade']
model = dict(
    data_preprocessor=dict(modalities=[_base_[name] for name in modalities]),
    backbone=dict(num_modalities=len(modalities)),
    decode_head=dict(num_modalities=len(modalities)),
)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dict(modalities=modalities))
