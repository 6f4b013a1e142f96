# NYUDv2 with a more recent recipe than the paper's: AdamW, warm-up, polynomial decay.
_base_ = [
    '../_base_/models/amf_r50_refinenet.py',
    '../_base_/datasets/nyudv2_500x500.py',
    '../_base_/schedules/adamw_40k.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=dict(modalities=_base_.modalities, size=_base_.crop_size))
train_dataloader = dict(batch_size=8, sampler=dict(type='InfiniteSampler'))
