# The training of `make demo`: an early look at the predictions, fewer validations, and a faster
# optimizer.
_base_ = './amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py'
optim_wrapper = dict(optimizer=dict(fused=True))
train_cfg = dict(val_interval=100, dynamic_intervals=[(102, 600)])  # after 100, 600, 1200
custom_hooks = [dict(type='PredictionSheetHook')]
