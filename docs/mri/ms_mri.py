# Lesions in MRI slices, four sequences. One patient is left out for validation: `patient`.
_base_ = [
    '../../configs/_base_/models/amf_efficientnet-lite0_refinenet.py',
    '../../configs/_base_/schedules/adamw_1200.py',
    '../../configs/_base_/default_runtime.py',
]
data_root = 'data/ms_mri'
classes = ('background', 'lesion')
# The numbers have no unit and differ between scans, so every image is normalized by itself. Outside
# of the brain they are 0.
sequence = dict(channels=1, dtype='uint16', missing=0, calibrated=False)
modalities = [dict(sequence, name=name) for name in ('flair', 't1', 't1post', 't2')]
load = [dict(type='LoadMultimodalImages'), dict(type='LoadLabelMap')]
pack = dict(type='PackMultimodalSegInputs')
crop_size = (96, 96)
# Lesions have 0.6 % of the pixels: every crop contains a pixel of a class that is drawn first.
train_pipeline = [
    *load,
    dict(type='ClassBalancedCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    pack,
]
patient = 'patient26'
dataset = dict(
    type='MultimodalSegDataset',
    data_root=data_root,
    modalities=modalities,
    metainfo=dict(classes=classes),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(dataset, ann_file=f'without_{patient}.txt', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, ann_file=f'{patient}.txt', pipeline=[*load, pack]),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='MultimodalIoUMetric')
test_evaluator = val_evaluator
model = dict(
    data_preprocessor=dict(modalities=modalities, size=crop_size),
    decode_head=dict(head=dict(num_classes=2, loss_decode=dict(class_weight=[1.0, 10.0]))),
)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [_base_.warmup, dict(_base_.param_scheduler[1], end=300)]
train_cfg = dict(max_iters=300, val_interval=300)
default_hooks = dict(checkpoint=dict(interval=100, max_keep_ckpts=1))
