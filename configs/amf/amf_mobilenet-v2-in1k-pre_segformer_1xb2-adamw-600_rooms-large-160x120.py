# From ImageNet weights, with half the updates of the training from scratch, at half its learning
# rate.
_base_ = './amf_mobilenet-v2_segformer_1xb2-adamw-1200_rooms-large-160x120.py'
weights = dict(type='Pretrained', checkpoint='package://mobilenet-v2')
model = dict(backbone=dict(init_cfg=weights))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [_base_.warmup, dict(_base_.param_scheduler[1], end=600)]
train_cfg = dict(max_iters=600, val_interval=600)
default_hooks = dict(checkpoint=dict(interval=300))
