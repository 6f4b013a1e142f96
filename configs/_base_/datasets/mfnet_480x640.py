# MFNet: color and thermal (8-bit), 9 classes.
dataset_type = 'MFNetDataset'
data_root = 'data/mfnet/'
load_images = dict(
    type='LoadMultimodalImages',
    modalities=dict(
        rgb=dict(channels=3, dtype='uint8'),
        thermal=dict(channels=1, dtype='uint8'),
    ),
)
train_pipeline = [
    load_images,
    dict(type='LoadLabelMap'),
    dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=350, interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=(480, 640)),
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
        modalities=['rgb', 'thermal'],
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
        ann_file='val.txt',
        modalities=['rgb', 'thermal'],
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='test.txt',
        modalities=['rgb', 'thermal'],
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type='MultimodalIoUMetric')
test_evaluator = val_evaluator
