_base_ = './amf_unet_1xb1-300e_taskonomy-256x256_shade-depth2rgb.py'
model = dict(generator=dict(num_modalities=3), discriminator=dict(num_modalities=3))
domains = dict(modalities=['depth', 'texture_edge', 'normal'], target='rgb')
train_dataloader = dict(dataset=domains)
val_dataloader = test_dataloader = dict(dataset=domains)
