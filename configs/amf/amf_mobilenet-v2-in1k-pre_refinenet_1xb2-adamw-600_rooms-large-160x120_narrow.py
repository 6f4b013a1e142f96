# Half the decoder's width, for small machines.
_base_ = './amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py'
model = dict(decode_head=dict(head=dict(widths=(32, 16, 16, 16))))
