# One input at equal time: it costs half as much, so it gets twice the iterations.
_base_ = './amf_unet_1xb4-adam-2k_rooms-128x96_rgb-depth2normal.py'
modalities = [_base_.rgb]
model = dict(data_preprocessor=dict(modalities=modalities), generator=dict(fusion=None))
domains = dict(modalities=modalities, target=_base_.normal)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=domains)
train_cfg = dict(max_iters=4000, val_interval=1000)
decay = dict(type='LinearLR', start_factor=1, end_factor=0.02, begin=2000, end=4000, by_epoch=False)
param_scheduler = [decay]
