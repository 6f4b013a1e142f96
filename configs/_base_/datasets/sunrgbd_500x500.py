# SUN RGB-D: color and depth (16-bit, millimeters), 37 classes; NYUDv2's augmentation.
_base_ = './nyudv2_500x500.py'
dataset = dict(type='SUNRGBDDataset', data_root='data/sunrgbd/')
train_dataloader = dict(dataset=dataset)
val_dataloader = test_dataloader = dict(dataset=dataset)
