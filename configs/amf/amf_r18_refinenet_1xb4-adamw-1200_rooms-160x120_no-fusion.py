# Both modalities in the shared network, without exchange of features.
_base_ = './amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py'
model = dict(backbone=dict(fusion=None))
