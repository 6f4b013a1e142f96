# One to four modalities of the rooms with one network, data set and number of updates, and two
# rules for the exchange between more than two. To make the data: `tools/render_rooms.py --out
# data/rooms-large --train 1200 --val 300`. To run it: `tools/analysis/compare_fusion.py
# configs/sweeps/rooms_modalities.py`.
config = (
    '../amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'  # from this file's folder
)
metric = 'mIoU'
reference = 'M1'

rgb = '../amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py'
three = '../amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal.py'
four = '../amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal-shade.py'
as_many_updates = {
    'train_cfg.max_iters': 1200,
    'train_cfg.val_interval': 400,
    'param_scheduler.1.end': 1200,
}
all_others = {
    'model.backbone.fusion.type': 'ShuffleShiftAblation',
    'model.backbone.fusion.partners': 'all',
}

groups = [
    dict(
        title='Number of modalities',
        seeds=[0, 1, 2],
        methods=[
            dict(name='M1', title='RGB', config=rgb, options=as_many_updates),
            dict(name='M1-twice', title='RGB, twice the updates', config=rgb),
            dict(name='M2', title='RGB, depth'),
            dict(name='M3-next', title='RGB, depth, normals; from the next', config=three),
            dict(
                name='M3-all',
                title='RGB, depth, normals; from all others',
                config=three,
                options=all_others,
            ),
            dict(name='M4-next', title='RGB, depth, normals, shade; from the next', config=four),
            dict(
                name='M4-all',
                title='RGB, depth, normals, shade; from all others',
                config=four,
                options=all_others,
            ),
        ],
    ),
]

questions = [
    dict(title='Two modalities, or RGB alone for the same time?', method='M2', against='M1-twice'),
    dict(title='Three modalities, or two?', method='M3-next', against='M2'),
    dict(title='Three modalities, or two, from all others?', method='M3-all', against='M2'),
    dict(title='Four modalities, or three?', method='M4-next', against='M3-next'),
    dict(title='Four modalities, or three, from all others?', method='M4-all', against='M3-all'),
    dict(title='Three: from all others, or from the next?', method='M3-all', against='M3-next'),
    dict(title='Four: from all others, or from the next?', method='M4-all', against='M4-next'),
]
