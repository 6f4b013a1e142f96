# From ImageNet weights, at half the learning rate of the training from scratch.
_base_ = './amf_mobilenet-v2_segformer_1xb2-adamw-1200_rooms-large-160x120.py'
weights = dict(type='Pretrained', checkpoint='package://mobilenet-v2')
model = dict(backbone=dict(init_cfg=weights))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
