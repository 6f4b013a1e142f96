# Control: RGB and a copy of it. A gain by fusion comes from capacity, not from a second sensor.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
modalities = [_base_.rgb, dict(_base_.rgb, name='copy', folder='rgb')]
model = dict(data_preprocessor=dict(modalities=modalities))
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dict(modalities=modalities))
