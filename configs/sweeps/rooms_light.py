# A light network for small machines, from ImageNet weights, fused inside and behind its stages. To
# make the data: `tools/render_rooms.py --out data/rooms-large --train 1200 --val 300`. To run it:
# `tools/analysis/compare_fusion.py configs/sweeps/rooms_light.py`. The network to compare with,
# ResNet-18 of half the width with RefineNet, is `shared` in rooms_sharing.py.
config = '../amf/amf_mobilenet-v2-in1k-pre_segformer_1xb2-adamw-600_rooms-large-160x120.py'
metric = 'mIoU'
reference = 'segformer'

groups = [
    dict(
        title='MobileNetV2, SegFormer',
        seeds=[0, 1, 2],
        methods=[
            dict(name='segformer', title='fused inside'),
            dict(
                name='segformer-behind',
                title='fused behind the stages',
                options={'model.backbone.fuse_at': None},
            ),
        ],
    ),
]

questions = [dict(title='Inside, or behind?', method='segformer', against='segformer-behind')]
