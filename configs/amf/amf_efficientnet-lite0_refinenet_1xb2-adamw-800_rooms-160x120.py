# The training of `make demo`: ImageNet weights, and an early look at the predictions.
_base_ = [
    '../_base_/models/amf_efficientnet-lite0_refinenet.py',
    '../_base_/datasets/rooms_160x120.py',
    '../_base_/schedules/adamw_1200.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=dict(modalities=_base_.modalities, size=(120, 160)))
train_dataloader = dict(batch_size=2)  # in so short a training, many updates matter
optim_wrapper = dict(optimizer=dict(lr=1e-3, fused=True))
param_scheduler = [_base_.warmup, dict(_base_.param_scheduler[1], end=800)]
train_cfg = dict(max_iters=800, val_interval=100, dynamic_intervals=[(102, 800)])  # at 100 and 800
default_hooks = dict(checkpoint=dict(interval=200))
custom_hooks = [dict(type='PredictionSheetHook')]
