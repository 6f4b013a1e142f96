# SUN RGB-D: color and depth (16-bit, millimeters), 37 classes; NYUDv2's augmentation.
dataset_type = 'SUNRGBDDataset'
data_root = 'data/sunrgbd/'
load_images = dict(
    type='LoadMultimodalImages',
    modalities=dict(
        rgb=dict(channels=3, dtype='uint8'),
        depth=dict(channels=1, dtype='uint16', missing=0),
    ),
)
train_pipeline = [
    load_images,
    dict(type='LoadLabelMap'),
    dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=350, interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=(500, 500)),
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
            [
                dict(type='Resize', scale_factor=ratio, keep_ratio=True)
                for ratio in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
            ],
            [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
            [dict(type='LoadLabelMap')],
            [dict(type='PackMultimodalSegInputs')],
        ],
    ),
]
train_dataloader = dict(
    batch_size=6,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    drop_last=True,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='train.txt',
        modalities=['rgb', 'depth'],
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='test.txt',
        modalities=['rgb', 'depth'],
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='MultimodalIoUMetric')
test_evaluator = val_evaluator
