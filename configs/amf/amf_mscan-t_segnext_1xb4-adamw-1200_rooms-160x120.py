_base_ = [
    '../_base_/models/amf_mscan-t_segnext.py',
    '../_base_/datasets/rooms_160x120.py',
    '../_base_/schedules/adamw_1200.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(modalities=_base_.modalities, size=(120, 160)),
    backbone=dict(backbone=dict(init_cfg=None, norm_cfg=dict(type='BN'))),
    decode_head=dict(head=dict(num_classes=14)),
)
default_hooks = dict(checkpoint=dict(interval=200))
