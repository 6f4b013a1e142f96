# AdamW with a linear warm-up and a polynomial decay, 40,000 iterations, as for today's
# segmentation networks; not the paper's. The decoder, trained from scratch, learns ten times as
# fast as the pretrained encoder.
optimizer = dict(type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01)
# Nothing that is one-dimensional decays: norms, biases, and alpha of the ensemble. mmengine takes
# the longest key in a parameter's name and then no other rule, so RefineNetHead's are named.
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
