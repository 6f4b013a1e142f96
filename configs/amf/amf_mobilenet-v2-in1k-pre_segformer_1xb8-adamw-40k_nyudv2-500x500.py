# For small machines; from ImageNet weights.
_base_ = [
    '../_base_/models/amf_mobilenet-v2_segformer.py',
    '../_base_/datasets/nyudv2_500x500.py',
    '../_base_/schedules/adamw_40k.py',
    '../_base_/default_runtime.py',
]
weights = dict(type='Pretrained', checkpoint='package://mobilenet-v2')
model = dict(
    data_preprocessor=dict(modalities=_base_.modalities, size=_base_.crop_size),
    backbone=dict(init_cfg=weights),
    decode_head=dict(head=dict(num_classes=40)),
)
train_dataloader = dict(batch_size=8, sampler=dict(type='InfiniteSampler'))
