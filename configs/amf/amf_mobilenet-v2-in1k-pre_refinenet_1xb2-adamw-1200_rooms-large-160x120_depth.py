# Depth alone at equal time: one modality costs half as much, so it gets twice the iterations.
_base_ = './amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py'
modalities = [_base_.depth]
model = dict(data_preprocessor=dict(modalities=modalities), backbone=dict(fusion=None))
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dict(modalities=modalities))
train_cfg = dict(max_iters=1200, val_interval=1200)
decay = dict(type='PolyLR', power=0.9, begin=25, end=1200, by_epoch=False)
param_scheduler = [_base_.warmup, decay]
