_base_ = [
    '../_base_/models/amf_r50_refinenet.py',
    '../_base_/datasets/mfnet_480x640.py',
    '../_base_/schedules/sgd_3x100e.py',
    '../_base_/epoch_runtime.py',
]
thermal = dict(name='thermal', channels=1, scale=1 / 255, mean=[0.0], std=[1.0])
model = dict(
    data_preprocessor=dict(size=(480, 640), modalities=[{{_base_.rgb}}, thermal]),
    decode_head=dict(head=dict(num_classes=9)),
)
