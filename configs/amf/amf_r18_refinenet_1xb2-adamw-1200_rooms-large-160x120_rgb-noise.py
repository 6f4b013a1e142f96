# Control: RGB and noise. Each sample has its fixed noise; validation samples have other noise.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
noise = dict(_base_.rgb, name='noise', folder='rgb', mean=127.5, std=73.9, bgr_to_rgb=False)
modalities = [_base_.rgb, noise]
load_images, *further = _base_.train_pipeline
draw = dict(type='DeadModality', modality='noise', fill=(0, 256))
train_pipeline = [load_images, dict(draw, seed=0), *further]
test_pipeline = [load_images, dict(draw, seed=1), *_base_.test_pipeline[1:]]
tta_pipeline = [load_images, dict(draw, seed=1), *_base_.tta_pipeline[1:]]
model = dict(data_preprocessor=dict(modalities=modalities))
train_dataloader = dict(dataset=dict(modalities=modalities, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(modalities=modalities, pipeline=test_pipeline))
test_dataloader = val_dataloader
