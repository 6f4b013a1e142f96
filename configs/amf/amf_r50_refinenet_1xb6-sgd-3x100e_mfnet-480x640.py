_base_ = [
    '../_base_/models/amf_r50_refinenet.py',
    '../_base_/datasets/mfnet_480x640.py',
    '../_base_/schedules/sgd_3x100e.py',
    '../_base_/epoch_runtime.py',
]
model = dict(
    data_preprocessor=dict(modalities=_base_.modalities, size=_base_.crop_size),
    decode_head=dict(head=dict(num_classes=9)),
)
