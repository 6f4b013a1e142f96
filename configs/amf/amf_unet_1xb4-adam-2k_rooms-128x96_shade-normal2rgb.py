# A target in color. Its metric uses features of a network that needs no file from you.
_base_ = './amf_unet_1xb4-adam-2k_rooms-128x96_rgb-depth2normal.py'
modalities = [_base_.shade, _base_.normal]
model = dict(data_preprocessor=dict(modalities=modalities))
domains = dict(modalities=modalities, target=_base_.rgb)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=domains)
network = dict(type='EfficientNetLite0Features')
test_evaluator = [
    dict(type='TranslationMetric'),
    dict(type='FeatureDistanceMetric', network=network, subset_size=100),
]
