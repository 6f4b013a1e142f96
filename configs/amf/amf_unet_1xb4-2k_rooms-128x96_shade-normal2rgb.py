# A target in color, with distances in the features of a network that needs no file of your own.
_base_ = './amf_unet_1xb4-2k_rooms-128x96_rgb-depth2normal.py'
domains = dict(modalities=['shade', 'normal'], target='rgb')
train_dataloader = dict(dataset=domains)
val_dataloader = test_dataloader = dict(dataset=domains)
network = dict(type='EfficientNetLite0Features')
test_evaluator = [
    dict(type='TranslationMetric'),
    dict(type='FeatureDistanceMetric', network=network, subset_size=100),
]
