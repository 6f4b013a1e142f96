# The training of `make demo`: ImageNet weights, and an early look at the predictions.
_base_ = [
    '../_base_/models/amf_efficientnet-lite0_refinenet.py',
    '../_base_/datasets/rooms_160x120.py',
    '../_base_/schedules/adamw_1200.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=dict(modalities=_base_.modalities, size=(120, 160)))
optim_wrapper = dict(optimizer=dict(lr=1e-3, fused=True))
decay = dict(type='PolyLR', power=0.9, begin=25, end=400, by_epoch=False)
param_scheduler = [_base_.warmup, decay]
train_cfg = dict(max_iters=400, val_interval=100, dynamic_intervals=[(102, 400)])  # at 100 and 400
default_hooks = dict(checkpoint=dict(interval=100))
custom_hooks = [dict(type='PredictionSheetHook')]
