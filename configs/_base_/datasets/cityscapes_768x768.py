# Cityscapes with depth from disparity (16-bit, centimeters), 19 classes; crops of 768.
_base_ = ['./benchmark.py', '../modalities/cityscapes.py']
modalities = [_base_.rgb, _base_.depth]
crop_size = (768, 768)
train_pipeline = [
    _base_.load_images,
    _base_.load_labels,
    dict(type='RandomScale', ratio_range=(0.5, 2.0), min_side=384),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=crop_size),
    _base_.pack,
]
dataset = dict(type='CityscapesDepthDataset', data_root='data/cityscapes/', modalities=modalities)
train_dataloader = dict(dataset=dict(dataset, pipeline=train_pipeline))
val_dataloader = test_dataloader = dict(dataset=dict(dataset, ann_file='val.txt'))
