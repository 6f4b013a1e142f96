# From scratch, with the budget of amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py.
_base_ = [
    '../_base_/models/amf_mobilenet-v2_segformer.py',
    '../_base_/datasets/rooms_160x120.py',
    '../_base_/schedules/adamw_1200.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=dict(modalities=_base_.modalities, size=(120, 160)))
train_dataloader = dict(batch_size=2, dataset=dict(data_root='data/rooms-large/train'))
val_dataloader = test_dataloader = dict(dataset=dict(data_root='data/rooms-large/val'))
train_cfg = dict(val_interval=400)
default_hooks = dict(checkpoint=dict(interval=400))
