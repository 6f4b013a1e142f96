# From scratch, with the budget of amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py, to compare.
_base_ = [
    '../_base_/models/amf_mit-b0_segformer.py',
    '../_base_/datasets/rooms_160x120.py',
    '../_base_/schedules/adamw_1200.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(modalities=_base_.modalities, size=(120, 160)),
    backbone=dict(backbone=dict(init_cfg=None)),
    decode_head=dict(head=dict(num_classes=14, norm_cfg=dict(type='BN'))),
)
default_hooks = dict(checkpoint=dict(interval=200))
