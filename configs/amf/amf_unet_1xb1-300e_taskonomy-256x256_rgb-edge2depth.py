_base_ = './amf_unet_1xb1-300e_taskonomy-256x256_shade-depth2rgb.py'
domains = dict(modalities=['rgb', 'occlusion_edge'], target='depth')
train_dataloader = dict(dataset=domains)
val_dataloader = test_dataloader = dict(dataset=domains)
test_evaluator = [dict(type='TranslationMetric')]  # the target has no color
