# Control: RGB and a copy of it. What a fusion gains here is capacity, not a second sensor.
_base_ = './amf_r18_refinenet_1xb2-1200_rooms-large-160x120.py'
color = dict(channels=3, dtype='uint8')
load_images = dict(type='LoadMultimodalImages', modalities=dict(rgb=color, copy=color))
train_pipeline = [load_images, *_base_.train_pipeline[1:]]
test_pipeline = [load_images, *_base_.test_pipeline[1:]]
tta_pipeline = [load_images, *_base_.tta_pipeline[1:]]
model = dict(data_preprocessor=dict(modalities=[_base_.rgb, dict(_base_.rgb, name='copy')]))
train = dict(modalities=['rgb', 'copy'], data_prefix=dict(copy='train/rgb'))
val = dict(modalities=['rgb', 'copy'], data_prefix=dict(copy='val/rgb'), pipeline=test_pipeline)
train_dataloader = dict(dataset=dict(train, pipeline=train_pipeline))
val_dataloader = dict(dataset=val)
test_dataloader = val_dataloader
