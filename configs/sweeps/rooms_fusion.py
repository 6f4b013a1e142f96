# Fusion methods on the rooms with one network, data set and budget. To make the data:
# `tools/render_rooms.py --out data/rooms-large --train 1200 --val 300`. To run it:
# `tools/analysis/compare_fusion.py configs/sweeps/rooms_fusion.py`.
config = (
    '../amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'  # from this file's folder
)
metric = 'mIoU'
reference = 'none'
five, three = [0, 1, 2, 3, 4], [0, 1, 2]

ours = dict()
none = {'model.backbone.fusion': None}
ablation = {'model.backbone.fusion.type': 'ShuffleShiftAblation'}
shared_bn = {'model.backbone.norm_cfg.type': 'BN'}
private_conv = {'model.backbone.conv_cfg.type': 'ModalitySpecificConv'}
rgb = '../amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py'
depth = '../amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_depth.py'
rgb_copy = '../amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-copy.py'
rgb_noise = '../amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-noise.py'
permuted_depth = (
    '../amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-permuted-depth.py'
)

groups = [
    dict(
        title='Channel shuffle and pixel shift',
        seeds=five,
        methods=[
            dict(name='none', title='no fusion', options=none),
            dict(name='ours', title='shuffle and shift (ours)', options=ours),
            dict(
                name='shuffle-only',
                title='shuffle only',
                options={**ablation, 'model.backbone.fusion.shift': None},
            ),
            dict(
                name='shift-only',
                title='shift only',
                options={**ablation, 'model.backbone.fusion.exchange': 0},
            ),
            dict(
                name='symmetric',
                title='symmetric exchange of the same share',
                options={**ablation, 'model.backbone.fusion.symmetric': True},
            ),
        ],
    ),
    dict(
        title='One modality, twice the iterations',
        seeds=five,
        methods=[
            dict(name='rgb', title='RGB alone', config=rgb),
            dict(name='depth', title='depth alone', config=depth),
        ],
    ),
    dict(
        title='Encoders, with our fusion',
        seeds=five,
        methods=[
            dict(name='shared-bn', title='shared convolutions, shared BN', options=shared_bn),
            dict(
                name='private-conv',
                title='private convolutions, private BN (two encoders)',
                options=private_conv,
            ),
            dict(
                name='private-conv-shared-bn',
                title='private convolutions, shared BN',
                options={**private_conv, **shared_bn},
                seeds=three,
            ),
        ],
    ),
    dict(
        title='Encoders, without fusion',
        seeds=three,
        methods=[
            dict(
                name='shared-bn-none',
                title='shared convolutions, shared BN, no fusion',
                options={**shared_bn, **none},
            ),
            dict(
                name='private-conv-none',
                title='private convolutions, private BN, no fusion',
                options={**private_conv, **none},
            ),
        ],
    ),
    dict(
        title='Other operators',
        seeds=three,
        methods=[
            dict(
                name='concat',
                title='concatenation, 1 x 1 convolution',
                options={'model.backbone.fusion.type': 'ConcatenationFusion'},
            ),
            dict(
                name='addition',
                title='addition',
                options={'model.backbone.fusion.type': 'AdditionFusion'},
            ),
            dict(
                name='averaging',
                title='averaging',
                options={
                    'model.backbone.fusion.type': 'AdditionFusion',
                    'model.backbone.fusion.average': True,
                },
            ),
            dict(
                name='align',
                title='alignment loss (MMD)',
                options={'model.backbone.fusion.type': 'AlignmentFusion'},
            ),
            dict(
                name='se',
                title='squeeze and excitation (ESANet)',
                options={'model.backbone.fusion.type': 'SqueezeExcitationFusion'},
            ),
            dict(
                name='self-attention',
                title='self-attention (SSMA)',
                options={'model.backbone.fusion.type': 'SelfAttentionFusion'},
            ),
            dict(
                name='cen',
                title='channel exchange (CEN)',
                options={'model.backbone.fusion.type': 'ChannelExchangeFusion'},
            ),
        ],
    ),
    dict(
        title='Ours, changed',
        seeds=three,
        methods=[
            dict(
                name='depth-to-rgb',
                title='only RGB receives',
                options={**ablation, 'model.backbone.fusion.receivers': [0]},
            ),
            dict(
                name='rgb-to-depth',
                title='only depth receives',
                options={**ablation, 'model.backbone.fusion.receivers': [1]},
            ),
            dict(
                name='every-block',
                title='in every block',
                options={'model.backbone.fused_blocks': 'all'},
            ),
            dict(
                name='stages-01',
                title='in the first two stages',
                options={'model.backbone.fusion_stages': [0, 1]},
            ),
            dict(
                name='stages-23',
                title='in the last two stages',
                options={'model.backbone.fusion_stages': [2, 3]},
            ),
            dict(
                name='exchange-0.1',
                title='a tenth exchanged',
                options={**ablation, 'model.backbone.fusion.exchange': 0.1},
            ),
            dict(
                name='exchange-0.4',
                title='two fifths exchanged',
                options={**ablation, 'model.backbone.fusion.exchange': 0.4},
            ),
            dict(
                name='shift-0',
                title='added without a shift',
                options={**ablation, 'model.backbone.fusion.shift': 0},
            ),
            dict(
                name='shift-2',
                title='shifted by 2 px',
                options={**ablation, 'model.backbone.fusion.shift': 2},
            ),
        ],
    ),
    dict(
        title='Control: RGB and a copy of it',
        control=True,
        seeds=three,
        config=rgb_copy,
        reference='copy-none',
        methods=[
            dict(name='copy-none', title='copy, no fusion', options=none),
            dict(name='copy-ours', title='copy, ours', options=ours),
        ],
    ),
    dict(
        title='Control: RGB and noise',
        control=True,
        seeds=three,
        config=rgb_noise,
        reference='noise-none',
        methods=[
            dict(name='noise-none', title='noise, no fusion', options=none),
            dict(name='noise-ours', title='noise, ours', options=ours),
        ],
    ),
    dict(
        title='Control: RGB and the depth of another image',
        control=True,
        seeds=three,
        config=permuted_depth,
        reference='permuted-none',
        methods=[
            dict(name='permuted-none', title="another image's depth, no fusion", options=none),
            dict(name='permuted-ours', title="another image's depth, ours", options=ours),
        ],
    ),
]

questions = [
    dict(title='Two modalities without fusion, or RGB alone?', method='none', against='rgb'),
    dict(title='Our fusion, or RGB alone?', method='ours', against='rgb'),
    dict(title='Our fusion, or depth alone?', method='ours', against='depth'),
    dict(title='Our fusion, or none?', method='ours', against='none'),
    dict(title='Shuffle alone, or no fusion?', method='shuffle-only', against='none'),
    dict(title='Shift alone, or no fusion?', method='shift-only', against='none'),
    dict(title='Shift on top of shuffle?', method='ours', against='shuffle-only'),
    dict(title='Shuffle on top of shift?', method='ours', against='shift-only'),
    dict(title='Asymmetric, or symmetric?', method='ours', against='symmetric'),
    dict(title='Private BN, or shared BN?', method='ours', against='shared-bn'),
    dict(
        title='Private BN, or shared BN, without fusion?', method='none', against='shared-bn-none'
    ),
    dict(
        title='Private BN, or shared BN, with private convolutions?',
        method='private-conv',
        against='private-conv-shared-bn',
    ),
    dict(title='Shared convolutions, or private?', method='ours', against='private-conv'),
    dict(
        title='Shared convolutions, or private with shared BN?',
        method='ours',
        against='private-conv-shared-bn',
    ),
    dict(
        title='Shared convolutions, or private, without fusion?',
        method='none',
        against='private-conv-none',
    ),
    dict(title='A pixel of shift, or none?', method='ours', against='shift-0'),
    dict(
        title='In every block, or in the last of each stage?', method='every-block', against='ours'
    ),
    dict(title='In two stages, or in all four?', method='stages-01', against='ours'),
    dict(title='Both receive, or only RGB?', method='ours', against='depth-to-rgb'),
    dict(title='Both receive, or only depth?', method='ours', against='rgb-to-depth'),
    dict(title='Ours, or concatenation?', method='ours', against='concat'),
    dict(title='Ours, or addition?', method='ours', against='addition'),
    dict(title='Ours, or averaging?', method='ours', against='averaging'),
    dict(title='Ours, or alignment?', method='ours', against='align'),
    dict(title='Ours, or squeeze and excitation?', method='ours', against='se'),
    dict(title='Ours, or self-attention?', method='ours', against='self-attention'),
    dict(title='Ours, or channel exchange?', method='ours', against='cen'),
    dict(title='Depth, or a copy of RGB?', method='ours', against='copy-ours'),
    dict(title='Depth, or noise?', method='ours', against='noise-ours'),
    dict(title="Depth, or another image's?", method='ours', against='permuted-ours'),
]
