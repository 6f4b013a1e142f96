# A few iterations on real sensor files, to check that a data set in NYUDv2's layout works.
_base_ = [
    '../_base_/models/amf_r18_refinenet.py',
    '../_base_/datasets/nyudv2_500x500.py',
    '../_base_/schedules/adamw_1200.py',
    '../_base_/default_runtime.py',
]
# fill: as for the published numbers, a pixel without a reading is 0 m
model = dict(
    data_preprocessor=dict(modalities=_base_.modalities, size=_base_.crop_size),
    decode_head=dict(head=dict(num_classes=40)),
)
train_dataloader = dict(batch_size=2, sampler=dict(type='InfiniteSampler'))
train_cfg = dict(max_iters=20, val_interval=20)
