# Rendered rooms, 160 x 120: images in, an image out; `tools/render_rooms.py` makes them.
# Sources and target are chosen by a child:
#   domains = dict(modalities=['shade', 'depth'], target='rgb')
#   train_dataloader = dict(dataset=domains)
#   val_dataloader = test_dataloader = dict(dataset=domains)
dataset_type = 'MultimodalTranslationDataset'
data_root = 'data/rooms/'
color = dict(channels=3, dtype='uint8')
gray = dict(channels=1, dtype='uint8')
load_images = dict(
    type='LoadTranslationImages',
    domains=dict(
        rgb=color,
        normal=color,
        shade=gray,
        texture_edge=gray,
        occlusion_edge=gray,
        # mm; the camera reaches 5.5 m, and its noise somewhat farther
        depth=dict(channels=1, dtype='uint16', missing=0, scale=255 / 6000),
    ),
)
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
        type=dataset_type,
        data_root=data_root,
        modalities=['shade', 'texture_edge'],
        target='rgb',
        data_prefix=dict(
            rgb='train/rgb',
            depth='train/depth',
            normal='train/normal',
            shade='train/shade',
            texture_edge='train/texture_edge',
            occlusion_edge='train/occlusion_edge',
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
        modalities=['shade', 'texture_edge'],
        target='rgb',
        data_prefix=dict(
            rgb='val/rgb',
            depth='val/depth',
            normal='val/normal',
            shade='val/shade',
            texture_edge='val/texture_edge',
            occlusion_edge='val/occlusion_edge',
        ),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='TranslationMetric')
test_evaluator = val_evaluator
