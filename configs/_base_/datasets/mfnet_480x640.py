# MFNet: color and thermal (8-bit), 9 classes.
_base_ = ['./benchmark.py', '../modalities/mfnet.py']
modalities = [_base_.rgb, _base_.thermal]
crop_size = (480, 640)
train_pipeline = [
    _base_.load_images,
    _base_.load_labels,
    dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=350),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=crop_size),
    _base_.pack,
]
dataset = dict(type='MFNetDataset', data_root='data/mfnet/', modalities=modalities)
train_dataloader = dict(dataset=dict(dataset, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(dataset, ann_file='val.txt'))
test_dataloader = dict(dataset=dataset)
