# AdamW with a short warm-up and polynomial decay, 1200 iterations. It takes minutes on a CPU.
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05))
warmup = dict(type='LinearLR', start_factor=0.01, begin=0, end=25, by_epoch=False)
param_scheduler = [warmup, dict(type='PolyLR', power=0.9, begin=25, end=1200, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1200, val_interval=300)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
