_base_ = [
    '../_base_/models/amf_unet.py',
    '../_base_/datasets/taskonomy_256x256.py',
    '../_base_/schedules/adam_300e.py',
    '../_base_/translation_epoch_runtime.py',
]
modalities = [_base_.shade, _base_.depth]
model = dict(data_preprocessor=dict(modalities=modalities))
domains = dict(modalities=modalities, target=_base_.rgb)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=domains)
