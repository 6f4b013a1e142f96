_base_ = [
    '../_base_/models/amf_r50_refinenet.py',
    '../_base_/datasets/nyudv2_500x500.py',
    '../_base_/schedules/sgd_3x150e.py',
    '../_base_/epoch_runtime.py',
]
model = dict(
    data_preprocessor=dict(modalities=_base_.modalities, size=_base_.crop_size),
    backbone=dict(depth=152, init_cfg=dict(checkpoint='torchvision://resnet152')),
)
