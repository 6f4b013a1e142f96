# The base of configs/sweeps/rooms_fusion.py: three times as many rooms as the demo, from
# `tools/render_rooms.py --out data/rooms-large --train 1200 --val 300`. Small batches, because
# many updates count more than large ones in so short a training.
_base_ = './amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py'
train_dataloader = dict(batch_size=2, dataset=dict(data_root='data/rooms-large/train'))
val_dataloader = test_dataloader = dict(dataset=dict(data_root='data/rooms-large/val'))
train_cfg = dict(val_interval=400)
default_hooks = dict(checkpoint=dict(interval=400))
