# Fused around the depthwise convolution of each stage's last block, as in the paper, not behind it.
_base_ = './amf_mobilenet-v2_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
places = ['layer2.1.conv.1', 'layer3.2.conv.1', 'layer5.2.conv.1', 'layer7.0.conv.1']
model = dict(backbone=dict(fuse_at=places))
