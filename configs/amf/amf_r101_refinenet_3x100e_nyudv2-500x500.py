_base_ = './amf_r50_refinenet_3x100e_nyudv2-500x500.py'
model = dict(
    backbone=dict(depth=101, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'))
)
