# Three modalities. Mirrored images have mirrored normals.
_base_ = './amf_r18_refinenet_1xb2-1200_rooms-large-160x120.py'
modalities = [_base_.rgb, _base_.depth, _base_.normal]
mirror = dict(type='MirrorNormals')
train_pipeline = [*_base_.train_pipeline[:3], mirror, *_base_.train_pipeline[3:]]
views, *others = _base_.tta_pipeline[1]['transforms']
all_views = dict(type='TestTimeAug', transforms=[views, [mirror], *others])
tta_pipeline = [_base_.tta_pipeline[0], all_views]
model = dict(data_preprocessor=dict(modalities=modalities))
train_dataloader = dict(dataset=dict(modalities=modalities, pipeline=train_pipeline))
val_dataloader = test_dataloader = dict(dataset=dict(modalities=modalities))
