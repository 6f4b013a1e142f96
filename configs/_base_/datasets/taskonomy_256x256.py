# Taskonomy: images in, an image out; the paper's split of one building and its augmentation.
# A child chooses inputs and target:
#   modalities = [_base_.shade, _base_.depth]
#   model = dict(data_preprocessor=dict(modalities=modalities))
#   domains = dict(modalities=modalities, target=_base_.rgb)
#   train_dataloader = val_dataloader = test_dataloader = dict(dataset=domains)
#
# Differences from the authors' code: normals are mirrored with their image (MirrorNormals); values
# are not reduced to 8 bits; images are resized by areas. Among the methods of OpenCV, this is the
# nearest to Pillow's in the authors' code, which smooths when it shrinks.
_base_ = '../modalities/taskonomy.py'
load_images = dict(type='LoadTranslationImages')
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
        type='TaskonomyDataset',
        data_root='data/taskonomy/',
        ann_file='train.txt',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='TaskonomyDataset',
        data_root='data/taskonomy/',
        ann_file='val.txt',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='TranslationMetric')
# FID and KID, for targets in color. The weights of Inception are a file that you provide:
#   tools/test.py ... --cfg-options test_evaluator.1.network.weights=FILE
# Without this file, another network gives distances that cannot be compared with them:
#   tools/test.py ... --cfg-options test_evaluator.1.network.type=EfficientNetLite0Features
test_evaluator = [
    dict(type='TranslationMetric'),
    dict(type='FeatureDistanceMetric', network=dict(type='InceptionFeatures')),
]
