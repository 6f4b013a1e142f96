_base_ = [
    '../_base_/models/amf_r50_refinenet.py',
    '../_base_/datasets/sunrgbd_500x500.py',
    '../_base_/schedules/sgd_3x100e.py',
    '../_base_/epoch_runtime.py',
]
depth = dict(name='depth', channels=1, scale=1 / 1000, mean=[0.0], std=[1.0])  # meters
model = dict(
    data_preprocessor=dict(size=(500, 500), modalities=[{{_base_.rgb}}, depth]),
    backbone=dict(depth=101, init_cfg=dict(checkpoint='torchvision://resnet101')),
    decode_head=dict(head=dict(num_classes=37)),
)
