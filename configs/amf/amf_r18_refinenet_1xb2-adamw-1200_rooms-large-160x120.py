# The base of configs/sweeps/rooms_fusion.py. It has three times as many rooms as the demo, from
# `tools/render_rooms.py --out data/rooms-large --train 1200 --val 300`. Batches are small, because
# in so short a training many updates matter more than large ones.
_base_ = './amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py'
train_dataloader = dict(batch_size=2, dataset=dict(data_root='data/rooms-large/train'))
val_dataloader = test_dataloader = dict(dataset=dict(data_root='data/rooms-large/val'))
train_cfg = dict(val_interval=400)
default_hooks = dict(checkpoint=dict(interval=400))
