# A larger batch than the paper's. It is faster on a GPU, but not the same training.
_base_ = './amf_unet_1xb1-adam-300e_taskonomy-256x256_shade-texture2rgb.py'
train_dataloader = dict(batch_size=16)
