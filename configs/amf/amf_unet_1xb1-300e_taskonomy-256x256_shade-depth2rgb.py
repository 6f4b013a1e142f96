_base_ = [
    '../_base_/models/amf_unet.py',
    '../_base_/datasets/taskonomy_256x256.py',
    '../_base_/schedules/pix2pix_300e.py',
    '../_base_/translation_epoch_runtime.py',
]
domains = dict(modalities=['shade', 'depth'], target='rgb')
train_dataloader = dict(dataset=domains)
val_dataloader = test_dataloader = dict(dataset=domains)
