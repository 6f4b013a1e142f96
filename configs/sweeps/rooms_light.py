# Light networks for small machines, against ResNet-18 of half the width with RefineNet. To make the
# data: `tools/render_rooms.py --out data/rooms-large --train 1200 --val 300`. To run it:
# `tools/analysis/compare_fusion.py configs/sweeps/rooms_light.py`.
scratch = '../amf/amf_mobilenet-v2'  # relative to this file
imagenet = f'{scratch}-in1k-pre'
rooms = 'rooms-large-160x120'
config = f'../amf/amf_r18_refinenet_1xb2-adamw-1200_{rooms}.py'
metric = 'mIoU'
reference = 'r18'
three = [0, 1, 2]

groups = [
    dict(
        title='From scratch, 1200 updates',
        seeds=three,
        methods=[
            dict(name='r18', title='R18 of half the width, RefineNet'),
            dict(
                name='segformer-scratch',
                title='MobileNetV2, SegFormer',
                config=f'{scratch}_segformer_1xb2-adamw-1200_{rooms}.py',
            ),
            dict(
                name='narrow-scratch',
                title='MobileNetV2, narrow RefineNet',
                config=f'{scratch}_refinenet_1xb2-adamw-1200_{rooms}_narrow.py',
            ),
        ],
    ),
    dict(
        title='MobileNetV2 from ImageNet weights',
        seeds=three,
        methods=[
            dict(
                name='segformer',
                title='SegFormer, 600 updates',
                config=f'{imagenet}_segformer_1xb2-adamw-600_{rooms}.py',
            ),
            dict(
                name='segformer-behind',
                title='SegFormer, 600 updates, fused behind the stages',
                config=f'{imagenet}_segformer_1xb2-adamw-600_{rooms}.py',
                options={'model.backbone.fuse_at': None},
            ),
            dict(
                name='segformer-1200',
                title='SegFormer, 1200 updates',
                config=f'{imagenet}_segformer_1xb2-adamw-1200_{rooms}.py',
            ),
            dict(
                name='narrow',
                title='narrow RefineNet, 600 updates',
                config=f'{imagenet}_refinenet_1xb2-adamw-600_{rooms}_narrow.py',
            ),
        ],
    ),
]

questions = [
    dict(title='As good as R18?', method=name, against='r18')
    for name in ('segformer-scratch', 'segformer', 'segformer-1200', 'narrow')
]
