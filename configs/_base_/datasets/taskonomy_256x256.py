# Taskonomy: images in, an image out; the paper's split of one building and its augmentation.
# Sources and target are chosen by a child:
#   domains = dict(modalities=['shade', 'depth'], target='rgb')
#   train_dataloader = dict(dataset=domains)
#   val_dataloader = test_dataloader = dict(dataset=domains)
#
# What differs from the authors' code: normals are mirrored with their picture (MirrorNormals);
# values are not cut to 8 bits; images are resized by areas, the way of OpenCV that comes nearest to
# their Pillow's, which smooths where it shrinks.
dataset_type = 'TaskonomyDataset'
data_root = 'data/taskonomy/'
depth = dict(channels=1, dtype='uint16', missing=65535, log=True, scale=255 / 11.1)
color = dict(channels=3, dtype='uint8')
load_images = dict(
    type='LoadTranslationImages',
    domains=dict(
        rgb=color,
        shade=color,
        texture_edge=dict(channels=1, dtype='uint16', scale=255 / 11355),
        occlusion_edge=dict(channels=1, dtype='uint16', scale=255 / 11584),
        normal=color,
        depth=depth,
        distance=depth,
        curvature=color,
    ),
)
train_pipeline = [
    load_images,
    dict(type='Resize', keys='img', scale=(286, 286), interpolation='area'),
    dict(type='FixedCrop', keys=['img'], crop_size=(256, 256)),
    dict(type='Flip', keys='img', direction='horizontal'),
    dict(type='MirrorNormals'),
    dict(type='PackTranslationInputs'),
]
test_pipeline = [
    load_images,
    dict(type='Resize', keys='img', scale=(256, 256), interpolation='area'),
    dict(type='PackTranslationInputs'),
]
train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='train.txt',
        modalities=['shade', 'texture_edge'],
        target='rgb',
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
        modalities=['shade', 'texture_edge'],
        target='rgb',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='TranslationMetric')
# FID and KID, for targets in color; the weights of Inception are a file of your own:
#   tools/test.py ... --cfg-options test_evaluator.1.network.weights=FILE
# Without the file, distances that do not compare with those, in the features of another network:
#   tools/test.py ... --cfg-options test_evaluator.1.network.type=EfficientNetLite0Features
test_evaluator = [
    dict(type='TranslationMetric'),
    dict(type='FeatureDistanceMetric', network=dict(type='InceptionFeatures')),
]
