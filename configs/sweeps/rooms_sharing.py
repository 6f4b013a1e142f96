# How much of the encoder should modalities share? To make the data: `tools/render_rooms.py --out
# data/rooms-large --train 1200 --val 300`. To run it: `tools/analysis/compare_fusion.py
# configs/sweeps/rooms_sharing.py`.
config = '../amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
behind = '../amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-behind.py'
metric = 'mIoU'
reference = 'shared'
everywhere = {'model.backbone.conv_cfg.type': 'ModalitySpecificConv'}
everywhere_behind = {'model.backbone.backbone.conv_cfg.type': 'ModalitySpecificConv'}

groups = [
    dict(
        title='Convolutions of the encoder',
        seeds=[0, 1, 2],
        methods=[
            dict(name='shared', title='shared (the paper)', options=dict()),
            dict(name='private', title='private (two encoders)', options=everywhere),
            dict(name='behind', title='shared, fused behind the stages', config=behind),
            dict(
                name='private-behind',
                title='private (two encoders), fused behind the stages',
                config=behind,
                options=everywhere_behind,
            ),
        ],
    ),
]

questions = [
    dict(title='All private, or all shared?', method='private', against='shared'),
    dict(title='Inside, or behind the stages?', method='shared', against='behind'),
    dict(
        title='Behind the stages: all private, or all shared?',
        method='private-behind',
        against='behind',
    ),
    dict(title='Shared and behind, or private and inside?', method='behind', against='private'),
]
