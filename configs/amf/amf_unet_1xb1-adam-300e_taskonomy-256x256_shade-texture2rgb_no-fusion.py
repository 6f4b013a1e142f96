# No exchange of features, as in the authors' networks that tools/convert_checkpoint.py converts.
_base_ = './amf_unet_1xb1-adam-300e_taskonomy-256x256_shade-texture2rgb.py'
model = dict(generator=dict(fusion=None))
