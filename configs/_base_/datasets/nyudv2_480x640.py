# NYUDv2 in the authors' folder layout: rgb/, depth/ (16-bit, meters x 5000), masks/ (40 classes).
dataset_type = 'NYUDv2Dataset'
data_root = 'data/nyudv2/'
load_images = dict(
    type='LoadMultimodalImages',
    modalities=dict(
        rgb=dict(channels=3, dtype='uint8'), depth=dict(channels=1, dtype='uint16', missing=0)
    ),
)
train_pipeline = [
    load_images,
    dict(type='LoadLabelMap'),
    dict(type='RandomResize', scale=(640, 480), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(480, 640)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalSegInputs'),
]
test_pipeline = [
    load_images,
    dict(type='LoadLabelMap'),
    dict(type='PackMultimodalSegInputs'),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
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
    num_workers=1,
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
