# Adam as in the paper, but with a higher learning rate, and 2000 iterations with linear decay in
# the second half. It takes minutes on a CPU.
adam = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.999)))
optim_wrapper = dict(constructor='MultiOptimWrapperConstructor', generator=adam, discriminator=adam)
param_scheduler = [
    dict(type='LinearLR', start_factor=1, end_factor=0.02, begin=1000, end=2000, by_epoch=False)
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2000, val_interval=500)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
