# One input, for the same time: it costs half as much, so it gets twice the iterations.
_base_ = './amf_unet_1xb4-2k_rooms-128x96_rgb-depth2normal.py'
model = dict(generator=dict(num_modalities=1, fusion=None), discriminator=dict(num_modalities=1))
domains = dict(modalities=['rgb'], target='normal')
train_dataloader = dict(dataset=domains)
val_dataloader = test_dataloader = dict(dataset=domains)
train_cfg = dict(max_iters=4000, val_interval=1000)
decay = dict(type='LinearLR', start_factor=1, end_factor=0.02, begin=2000, end=4000, by_epoch=False)
param_scheduler = [decay]
