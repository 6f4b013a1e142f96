# RGB alone at equal time: one modality costs half as much, so it gets twice the iterations.
_base_ = './amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py'
modalities = [_base_.rgb]
model = dict(data_preprocessor=dict(modalities=modalities), backbone=dict(fusion=None))
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dict(modalities=modalities))
train_cfg = dict(max_iters=2400, val_interval=600)
decay = dict(type='PolyLR', power=0.9, begin=25, end=2400, by_epoch=False)
param_scheduler = [_base_.warmup, decay]
