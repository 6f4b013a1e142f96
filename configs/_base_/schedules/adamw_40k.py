# AdamW with linear warm-up and polynomial decay, 40,000 iterations: a usual recipe for recent
# segmentation networks, not the paper's. The decoder is trained from scratch, with ten times the
# learning rate of the pretrained encoder.
optimizer = dict(type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01)
# One-dimensional parameters have no weight decay: norms, biases, and alpha of the ensemble.
# mmengine applies only the longest key that a parameter's name contains, so RefineNetHead's
# parameters have their own keys.
head_vector = dict(lr_mult=10.0, decay_mult=0.0)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=optimizer,
    paramwise_cfg=dict(
        flat_decay_mult=0.0,
        custom_keys={
            'head': dict(lr_mult=10.0),
            'alpha': head_vector,
            'conv1.bias': head_vector,
            'conv_seg.bias': head_vector,
        },
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=1500, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=1500, end=40000, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=4000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
