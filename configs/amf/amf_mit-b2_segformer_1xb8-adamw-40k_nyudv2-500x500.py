_base_ = './amf_mit-b0_segformer_1xb8-adamw-40k_nyudv2-500x500.py'
pretrained = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/'
plain = dict(
    embed_dims=64,
    num_layers=[3, 4, 6, 3],
    init_cfg=dict(checkpoint=pretrained + 'mit_b2_20220624-66e8bf70.pth'),
)
model = dict(
    backbone=dict(backbone=plain),
    decode_head=dict(head=dict(in_channels=[64, 128, 320, 512])),
)
