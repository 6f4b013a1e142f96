# Fused inside, and half the decoder's width, for small machines.
_base_ = './amf_mobilenet-v2_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-inside.py'
model = dict(decode_head=dict(head=dict(widths=(32, 16, 16, 16))))
