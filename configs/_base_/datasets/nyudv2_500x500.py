# NYUDv2: color and depth (16-bit, meters x 5000), 40 classes; the paper's augmentation.
#
# What differs from the authors' code, and how much it is: an image smaller than the crop is padded
# at the bottom and the right, theirs on both sides (36 % of the samples, 8.5 % of the area; what is
# seen has the same size, 54 px away on average, 75 at most). Their padding of RGB is the mean cut
# to whole numbers (0.012 after normalization at most), that of depth RGB's (0.02 m; here 0).
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
