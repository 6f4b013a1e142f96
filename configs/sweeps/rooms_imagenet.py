# The claims of rooms_fusion.py again, with MobileNetV2 from ImageNet weights, and with fewer
# labels. To make the data: `tools/render_rooms.py --out data/rooms-large --train 1200 --val 300`.
# To run it: `tools/analysis/compare_fusion.py configs/sweeps/rooms_imagenet.py`.
stem = '../amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw'  # relative to this file
config = f'{stem}-600_rooms-large-160x120.py'
rgb, depth = (f'{stem}-1200_rooms-large-160x120_{name}.py' for name in ('rgb', 'depth'))
metric = 'mIoU'
reference = 'none'
five, three = [0, 1, 2, 3, 4], [0, 1, 2]

none = {'model.backbone.fusion': None}
ablation = {'model.backbone.fusion.type': 'ShuffleShiftAblation'}
shared_bn = {'model.backbone.backbone.norm_cfg.type': 'SharedBN'}
private_conv = {'model.backbone.backbone.conv_cfg.type': 'ModalitySpecificConv'}
half = {  # as many updates as with two modalities
    'train_cfg.max_iters': 600,
    'train_cfg.val_interval': 600,
    'param_scheduler.1.end': 600,
}
behind = {'model.backbone.fuse_at': None}
labels_25 = {'train_dataloader.dataset.indices': 300}
labels_5 = {'train_dataloader.dataset.indices': 60}

groups = [
    dict(
        title='Channel shuffle and pixel shift',
        seeds=five,
        methods=[
            dict(name='none', title='no fusion', options=none),
            dict(name='ours', title='shuffle and shift (ours)', options=dict()),
            dict(
                name='shuffle-only',
                title='shuffle only',
                options={**ablation, 'model.backbone.fusion.shift': None},
                seeds=three,
            ),
            dict(
                name='shift-only',
                title='shift only',
                options={**ablation, 'model.backbone.fusion.exchange': 0},
                seeds=three,
            ),
            dict(
                name='symmetric',
                title='symmetric exchange of the same share',
                options={**ablation, 'model.backbone.fusion.symmetric': True},
                seeds=three,
            ),
            dict(
                name='behind',
                title='ours, behind the stages',
                options=behind,
            ),
        ],
    ),
    dict(
        title='Encoders',
        seeds=five,
        methods=[
            dict(name='shared-bn', title='shared convolutions, shared BN, ours', options=shared_bn),
            dict(
                name='private-conv',
                title='private convolutions, private BN (two encoders), ours',
                options=private_conv,
            ),
            dict(
                name='private-conv-behind',
                title='two encoders, ours, behind the stages',
                options={**private_conv, **behind},
            ),
            dict(
                name='private-conv-none',
                title='two encoders, no fusion',
                options={**private_conv, **none},
                seeds=three,
            ),
        ],
    ),
    dict(
        title='One modality, twice the iterations',
        seeds=five,
        methods=[
            dict(name='rgb', title='RGB alone', config=rgb, seeds=three),
            dict(name='depth', title='depth alone', config=depth),
        ],
    ),
    dict(
        title='One modality, as many iterations',
        seeds=three,
        methods=[
            dict(name='rgb-updates', title='RGB alone', config=rgb, options=half),
            dict(name='depth-updates', title='depth alone', config=depth, options=half),
        ],
    ),
    *(
        dict(
            title=f'{share} % of the labels ({count} rooms)',
            seeds=three,
            reference=f'none-{share}',
            methods=[
                dict(name=f'none-{share}', title='no fusion', options={**none, **labels}),
                dict(name=f'ours-{share}', title='ours', options=labels),
                dict(
                    name=f'shared-bn-{share}',
                    title='shared BN, ours',
                    options={**shared_bn, **labels},
                ),
                dict(
                    name=f'private-conv-{share}',
                    title='two encoders, ours',
                    options={**private_conv, **labels},
                ),
                dict(
                    name=f'depth-{share}',
                    title='depth alone, twice the iterations',
                    config=depth,
                    options=labels,
                ),
            ],
        )
        for share, count, labels in ((25, 300, labels_25), (5, 60, labels_5))
    ),
]

# Written before the first run, except where a comment says more. p is corrected for their number.
questions = [
    dict(title='Does fusion help?', method='ours', against='none'),
    dict(title='... and beat RGB alone?', method='ours', against='rgb'),
    dict(title='... and depth alone?', method='ours', against='depth'),
    dict(title='Is private BN better than shared BN?', method='ours', against='shared-bn'),
    dict(title='Is one encoder as good as two?', method='ours', against='private-conv'),
    dict(
        title='... also without fusion?',
        method='none',
        against='private-conv-none',
    ),
    dict(title='Does shuffle alone help?', method='shuffle-only', against='none'),
    dict(title='Does shift alone help?', method='shift-only', against='none'),
    dict(title='Does shift help on top of shuffle?', method='ours', against='shuffle-only'),
    dict(title='Does shuffle help on top of shift?', method='ours', against='shift-only'),
    dict(title='Is asymmetric better than symmetric?', method='ours', against='symmetric'),
    dict(title='Inside, or behind the stages?', method='ours', against='behind'),
    # These two were added after the first two seeds, which had more behind the stages.
    dict(
        title='Behind: one encoder as good as two?', method='behind', against='private-conv-behind'
    ),
    dict(title='... or as two that are fused inside?', method='behind', against='private-conv'),
    *(
        dict(title=f'{title} {share} % of the labels', method=f'ours-{share}', against=against)
        for share in (25, 5)
        for title, against in (
            ('Fusion?', f'none-{share}'),
            ('Private BN?', f'shared-bn-{share}'),
            ('One encoder, or two?', f'private-conv-{share}'),
            ('Depth alone?', f'depth-{share}'),
        )
    ),
]
