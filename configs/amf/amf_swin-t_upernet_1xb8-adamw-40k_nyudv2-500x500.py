_base_ = [
    '../_base_/models/amf_swin-t_upernet.py',
    '../_base_/datasets/nyudv2_500x500.py',
    '../_base_/schedules/adamw_40k.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=dict(modalities=_base_.modalities, size=_base_.crop_size))
train_dataloader = dict(batch_size=8, sampler=dict(type='InfiniteSampler'))
custom_keys = {'relative_position_bias_table': dict(decay_mult=0.0)}  # as in Swin's training
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=custom_keys))
