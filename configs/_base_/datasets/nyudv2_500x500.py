# NYUDv2: color and depth (16-bit, meters x 5000), 40 classes; the paper's augmentation.
#
# Differences from the authors' code, and their size: an image smaller than the crop is padded at
# the bottom and the right here, on both sides there. This concerns 36 % of the samples and 8.5 % of
# the area; the visible part has the same size and is shifted by 54 px on average, 75 px at most.
# They pad RGB with the mean rounded down to whole numbers (a difference of at most 0.012 after
# normalization), and depth with the values of RGB (0.02 m; here 0).
_base_ = ['./benchmark.py', '../modalities/nyudv2.py']
modalities = [_base_.rgb, _base_.depth]
crop_size = (500, 500)
train_pipeline = [
    _base_.load_images,
    _base_.load_labels,
    dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=350),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=crop_size),
    _base_.pack,
]
dataset = dict(type='NYUDv2Dataset', data_root='data/nyudv2/', modalities=modalities)
train_dataloader = dict(dataset=dict(dataset, pipeline=train_pipeline))
val_dataloader = test_dataloader = dict(dataset=dataset)
