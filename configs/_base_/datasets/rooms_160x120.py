# Rendered rooms, RGB and depth, made by `tools/render_rooms.py`.
_base_ = '../modalities/rooms.py'
modalities = [_base_.rgb, _base_.depth]
load_images = dict(type='LoadMultimodalImages')
load_labels = dict(type='LoadLabelMap')
pack = dict(type='PackMultimodalSegInputs')
train_pipeline = [load_images, load_labels, dict(type='RandomFlip', prob=0.5), pack]
test_pipeline = [load_images, load_labels, pack]
tta_pipeline = [
    load_images,
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
            [load_labels],
            [pack],
        ],
    ),
]
dataset = dict(type='RoomsDataset', modalities=modalities)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(dataset, data_root='data/rooms/train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, data_root='data/rooms/val', pipeline=test_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='MultimodalIoUMetric')
test_evaluator = val_evaluator
