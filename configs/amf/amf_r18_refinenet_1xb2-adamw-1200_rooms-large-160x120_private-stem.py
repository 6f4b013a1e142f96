# Depth has a first convolution of its own, for one channel, in place of being tiled to three.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
model = dict(backbone=dict(bands=True))
