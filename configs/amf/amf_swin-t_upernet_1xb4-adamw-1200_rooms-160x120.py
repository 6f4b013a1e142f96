# A third of Swin-T's width and two blocks in every stage, with a narrow UPerNet on top.
_base_ = './amf_mit-b0_segformer_1xb4-adamw-1200_rooms-160x120.py'
small = dict(
    _delete_=True,
    type='SwinTransformer',
    embed_dims=32,
    depths=[2, 2, 2, 2],
    num_heads=[1, 2, 4, 8],
    window_size=7,
    drop_path_rate=0.1,
)
head = dict(type='UPerHead', in_channels=[32, 64, 128, 256], channels=64)
model = dict(backbone=dict(backbone=small), decode_head=dict(head=head))
