# A translator small enough for a CPU.
_base_ = [
    '../_base_/models/amf_unet.py',
    '../_base_/datasets/rooms_translation_128x96.py',
    '../_base_/schedules/adam_2k.py',
    '../_base_/translation_runtime.py',
]
modalities = [_base_.rgb, _base_.depth]
model = dict(
    data_preprocessor=dict(modalities=modalities),
    generator=dict(image_size=(96, 128), base_channels=24),
    discriminator=dict(base_channels=16),
)
domains = dict(modalities=modalities, target=_base_.normal)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=domains)
default_hooks = dict(checkpoint=dict(interval=200))
