# Two encoders on the rooms, of about the same size and cost, with one budget: R18 at half its width
# with a narrow RefineNet (4.0 M parameters, 0.90 GMACs), fused inside, and MiT-B0 with SegFormer's
# head (3.7 M, 1.01 GMACs), fused after its stages. Both are trained from scratch. To run it:
# `tools/analysis/compare_fusion.py configs/sweeps/rooms_backbones.py`.
config = '../amf/amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py'  # relative to this file
metric = 'mIoU'
reference = 'r18-none'
three = [0, 1, 2]

mit_b0 = '../amf/amf_mit-b0_segformer_1xb4-adamw-1200_rooms-160x120.py'
none = {'model.backbone.fusion': None}

groups = [
    dict(
        title='R18, RefineNet',
        seeds=three,
        methods=[
            dict(name='r18-none', title='R18, no fusion', options=none),
            dict(name='r18-ours', title='R18, shuffle and shift (ours)', options=dict()),
        ],
    ),
    dict(
        title='MiT-B0, SegFormer',
        seeds=three,
        config=mit_b0,
        reference='mit-b0-none',
        methods=[
            dict(name='mit-b0-none', title='MiT-B0, no fusion', options=none),
            dict(name='mit-b0-ours', title='MiT-B0, shuffle and shift (ours)', options=dict()),
        ],
    ),
]

questions = [
    dict(title='R18 with our fusion, or without?', method='r18-ours', against='r18-none'),
    dict(title='MiT-B0 with our fusion, or without?', method='mit-b0-ours', against='mit-b0-none'),
    dict(title='MiT-B0, or R18?', method='mit-b0-ours', against='r18-ours'),
    dict(title='MiT-B0, or R18, without fusion?', method='mit-b0-none', against='r18-none'),
]
