# SUN RGB-D: color and depth (16-bit, millimeters), 37 classes; NYUDv2's augmentation.
_base_ = ['./benchmark.py', '../modalities/sunrgbd.py']
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
dataset = dict(type='SUNRGBDDataset', data_root='data/sunrgbd/', modalities=modalities)
train_dataloader = dict(dataset=dict(dataset, pipeline=train_pipeline))
val_dataloader = test_dataloader = dict(dataset=dataset)
