# Depth has its own first convolution for one channel, and is not tiled to three channels.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
model = dict(backbone=dict(bands=True))
