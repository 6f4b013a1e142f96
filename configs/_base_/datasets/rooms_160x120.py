# Rendered rooms, RGB and depth; `tools/render_rooms.py` makes them.
dataset_type = 'RoomsDataset'
data_root = 'data/rooms/'
load_images = dict(
    type='LoadMultimodalImages',
    modalities=dict(
        rgb=dict(channels=3, dtype='uint8'),
        depth=dict(channels=1, dtype='uint16', missing=0),
        normal=dict(channels=3, dtype='uint8'),
        shade=dict(channels=1, dtype='uint8'),
        texture_edge=dict(channels=1, dtype='uint8'),
        occlusion_edge=dict(channels=1, dtype='uint8'),
    ),
)
train_pipeline = [
    load_images,
    dict(type='LoadLabelMap'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalSegInputs'),
]
test_pipeline = [
    load_images,
    dict(type='LoadLabelMap'),
    dict(type='PackMultimodalSegInputs'),
]
tta_pipeline = [
    load_images,
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
            [dict(type='LoadLabelMap')],
            [dict(type='PackMultimodalSegInputs')],
        ],
    ),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        modalities=['rgb', 'depth'],
        data_prefix=dict(
            rgb='train/rgb',
            depth='train/depth',
            normal='train/normal',
            shade='train/shade',
            texture_edge='train/texture_edge',
            occlusion_edge='train/occlusion_edge',
            seg_map_path='train/label',
        ),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        modalities=['rgb', 'depth'],
        data_prefix=dict(
            rgb='val/rgb',
            depth='val/depth',
            normal='val/normal',
            shade='val/shade',
            texture_edge='val/texture_edge',
            occlusion_edge='val/occlusion_edge',
            seg_map_path='val/label',
        ),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='MultimodalIoUMetric')
test_evaluator = val_evaluator
