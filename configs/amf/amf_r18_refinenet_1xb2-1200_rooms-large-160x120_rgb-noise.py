# Control: RGB and noise, fixed for each sample; other noise for those of validation.
_base_ = './amf_r18_refinenet_1xb2-1200_rooms-large-160x120.py'
color = dict(channels=3, dtype='uint8')
load_images = dict(type='LoadMultimodalImages', modalities=dict(rgb=color, noise=color))
noise = dict(type='DeadModality', modality='noise', fill=(0, 256))
train_pipeline = [load_images, dict(noise, seed=0), *_base_.train_pipeline[1:]]
test_pipeline = [load_images, dict(noise, seed=1), *_base_.test_pipeline[1:]]
tta_pipeline = [load_images, dict(noise, seed=1), *_base_.tta_pipeline[1:]]
modalities = [_base_.rgb, dict(name='noise', channels=3, mean=[127.5] * 3, std=[73.9] * 3)]
model = dict(data_preprocessor=dict(modalities=modalities))
both, train, val = ['rgb', 'noise'], dict(noise='train/rgb'), dict(noise='val/rgb')
train_set = dict(modalities=both, data_prefix=train, pipeline=train_pipeline)
val_set = dict(modalities=both, data_prefix=val, pipeline=test_pipeline)
train_dataloader, val_dataloader = dict(dataset=train_set), dict(dataset=val_set)
test_dataloader = val_dataloader
