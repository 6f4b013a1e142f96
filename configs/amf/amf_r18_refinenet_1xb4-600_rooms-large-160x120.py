# The base of configs/sweeps/rooms_fusion.py: three times as many rooms as the demo, from
# `tools/render_rooms.py --out data/rooms-large --train 1200 --val 300`.
_base_ = './amf_r18_refinenet_1xb4-1200_rooms-160x120.py'
data_root = 'data/rooms-large/'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
train_cfg = dict(max_iters=600, val_interval=200)
decay = dict(type='PolyLR', power=0.9, begin=25, end=600, by_epoch=False)
param_scheduler = [{{_base_.warmup}}, decay]
default_hooks = dict(checkpoint=dict(interval=200))
