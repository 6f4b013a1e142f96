# Fusion inside two backbones, and behind their stages, with one data set and budget. The operator
# has no parameters, so both take about the same time. To make the data: `tools/render_rooms.py
# --out data/rooms-large --train 1200 --val 300`. To run it: `tools/analysis/compare_fusion.py
# configs/sweeps/rooms_fused_inside.py`.
mobilenet = '../amf/amf_mobilenet-v2_refinenet_1xb2-adamw-1200_rooms-large-160x120'
mit_b0 = '../amf/amf_mit-b0_segformer_1xb2-adamw-1200_rooms-large-160x120'
config = f'{mobilenet}.py'  # relative to this file
metric = 'mIoU'
reference = 'mobilenet-behind'
three = [0, 1, 2]

groups = [
    dict(
        title='MobileNetV2, RefineNet',
        seeds=three,
        methods=[
            dict(name='mobilenet-behind', title='MobileNetV2, fused behind'),
            dict(
                name='mobilenet-inside',
                title='MobileNetV2, fused inside',
                config=f'{mobilenet}_fused-inside.py',
            ),
        ],
    ),
    dict(
        title='MiT-B0, SegFormer',
        seeds=three,
        config=f'{mit_b0}.py',
        reference='mit-b0-behind',
        methods=[
            dict(name='mit-b0-behind', title='MiT-B0, fused behind'),
            dict(
                name='mit-b0-inside',
                title='MiT-B0, fused inside',
                config=f'{mit_b0}_fused-inside.py',
            ),
        ],
    ),
]

questions = [
    dict(
        title='MobileNetV2: inside, or behind?',
        method='mobilenet-inside',
        against='mobilenet-behind',
    ),
    dict(title='MiT-B0: inside, or behind?', method='mit-b0-inside', against='mit-b0-behind'),
]
