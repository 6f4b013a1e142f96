_base_ = [
    '../_base_/models/amf_r18_refinenet.py',
    '../_base_/datasets/rooms_160x120.py',
    '../_base_/schedules/adamw_1200.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=dict(modalities=_base_.modalities, size=(120, 160)))
default_hooks = dict(checkpoint=dict(interval=200))
