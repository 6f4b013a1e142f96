# Rendered rooms, 160 x 120: images in, an image out; `tools/render_rooms.py` makes them.
# A child chooses inputs and target:
#   modalities = [_base_.shade, _base_.depth]
#   model = dict(data_preprocessor=dict(modalities=modalities))
#   domains = dict(modalities=modalities, target=_base_.rgb)
#   train_dataloader = val_dataloader = test_dataloader = dict(dataset=domains)
_base_ = '../modalities/rooms_pictures.py'
load_images = dict(type='LoadTranslationImages')
train_pipeline = [
    load_images,
    dict(type='Resize', keys='img', scale=(144, 108), interpolation='area'),
    dict(type='FixedCrop', keys=['img'], crop_size=(96, 128)),
    dict(type='Flip', keys='img', direction='horizontal'),
    dict(type='MirrorNormals'),
    dict(type='PackTranslationInputs'),
]
test_pipeline = [
    load_images,
    dict(type='Resize', keys='img', scale=(128, 96), interpolation='area'),
    dict(type='PackTranslationInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='MultimodalTranslationDataset',
        data_root='data/rooms/train',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='MultimodalTranslationDataset',
        data_root='data/rooms/val',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='TranslationMetric')
test_evaluator = val_evaluator
