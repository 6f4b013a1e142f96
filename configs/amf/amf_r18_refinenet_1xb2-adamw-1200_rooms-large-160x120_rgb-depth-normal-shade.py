# Four modalities.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal.py'
modalities = [_base_.rgb, _base_.depth, _base_.normal, _base_.shade]
model = dict(data_preprocessor=dict(modalities=modalities))
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dict(modalities=modalities))
